"""Our own graph of a Llama-like decoder, written from its weights with onnxruntime's fused operators.

One graph reads a prompt, a part of one behind a past, and a single token. GroupQueryAttention takes the true length
from `attention_mask`, so past and present of a layer may be one preallocated buffer; with separate tensors it works
as well. The last layer computes its feed-forward part at the kept positions alone: nobody reads the others.
"""

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape
from torch import Tensor

from realign_edge.export.architecture import Decoder, Layer, Linear, Norm
from realign_edge.export.model import IR_VERSION, MICROSOFT, OPSET, PRODUCER

_FLOAT, _INT64 = ir.DataType.FLOAT, ir.DataType.INT64


def decoder_graph(decoder: Decoder) -> ir.Model:
    """inputs_embeds, attention_mask, position_ids, num_logits_to_keep, past -> logits, present.

    Names and shapes are those of `bundle/contract.py`; batch rows are of one length, unpadded.
    """
    return _Writer(decoder).model()


class _Writer:
    """Puts nodes and weights on a tape; methods return values of the graph."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder, self.tape = decoder, Tape()
        self.cosine = self._weight("cos_cache", decoder.cosine)
        self.sine = self._weight("sin_cache", decoder.sine)

    def model(self) -> ir.Model:
        states = _input("inputs_embeds", _FLOAT, ["batch_size", "length", self.decoder.hidden])
        mask = _input("attention_mask", _INT64, ["batch_size", "total"])
        positions = _input("position_ids", _INT64, ["batch_size", "length"])
        keep = _input("num_logits_to_keep", _INT64, [])
        past = [_input(name, _FLOAT, self._cache_shape("past")) for name in self._names("past_key_values")]
        lengths = self._lengths(mask)
        hidden, residual, present = states, states, []
        for number, layer in enumerate(self.decoder.layers):
            hidden = self._first(hidden, layer) if number == 0 else hidden
            attended, own = self._attention(
                hidden, layer, number, past[2 * number : 2 * number + 2], lengths, positions
            )
            present += own
            if number + 1 == len(self.decoder.layers):
                attended, residual = self._kept(attended, keep), self._kept(residual, keep)
            hidden, residual = self._rest(attended, residual, layer, number)
        logits = self._linear(hidden, self.decoder.head, "lm_head")
        return self._finished([states, mask, positions, keep, *past], logits, present)

    def _lengths(self, mask: ir.Value) -> list[ir.Value]:
        """Tokens of each row without the last one, (batch,) int32, and of the longest, () int32."""
        total = self._op("Gather", self._op("Shape", mask), self._constant("one", np.int64(1)))
        summed = self._op("ReduceSum", mask, self._constant("axis", np.array([1], np.int64)), keepdims=0)
        before = self._op("Sub", summed, self._constant("one", np.int64(1)))
        return [self._op("Cast", value, to=int(ir.DataType.INT32)) for value in (before, total)]

    def _first(self, states: ir.Value, layer: Layer) -> ir.Value:
        return self._norm(states, layer.before, "layers.0.input_layernorm")

    def _attention(
        self, hidden: ir.Value, layer: Layer, number: int, past: list[ir.Value], lengths: list[ir.Value], at: ir.Value
    ) -> tuple[ir.Value, list[ir.Value]]:
        decoder, name = self.decoder, f"layers.{number}.self_attn"
        packed = self._linear(hidden, _joined(layer.query, layer.key, layer.value), f"{name}.qkv_proj")
        queries: list[ir.Value | None] = [packed, None, None]
        if layer.query_norm and layer.key_norm:
            queries = [*self._normed_heads(packed, layer.query_norm, layer.key_norm, name)]
        out, *present = self.tape.op_multi_out(
            "GroupQueryAttention",
            [*queries, *past, *lengths, self.cosine, self.sine, at],
            num_outputs=3,
            domain=MICROSOFT,
            attributes={
                "num_heads": decoder.heads, "kv_num_heads": decoder.kv_heads, "scale": decoder.scale, "do_rotary": 1,
                "rotary_interleaved": 0,
            },
        )  # fmt: skip
        for value, key in zip(present, ("key", "value"), strict=True):
            value.name, value.type = f"present.{number}.{key}", ir.TensorType(_FLOAT)
            value.shape = ir.Shape(self._cache_shape("total"))
        return out, present

    def _normed_heads(self, packed: ir.Value, query: Norm, key: Norm, name: str) -> list[ir.Value]:
        """Queries, keys and values apart, the first two normalised head by head."""
        d = self.decoder
        widths = np.array([d.heads * d.head_dim, d.kv_heads * d.head_dim, d.kv_heads * d.head_dim], np.int64)
        q, k, v = self.tape.op_multi_out(
            "Split", [packed, self._constant("qkv_widths", widths)], num_outputs=3, attributes={"axis": -1}
        )
        return [self._by_head(q, query, f"{name}.q_norm"), self._by_head(k, key, f"{name}.k_norm"), v]

    def _by_head(self, value: ir.Value, norm: Norm, name: str) -> ir.Value:
        apart = self._constant("by_head", np.array([0, 0, -1, self.decoder.head_dim], np.int64))
        together = self._constant("by_token", np.array([0, 0, -1], np.int64))
        return self._op("Reshape", self._norm(self._op("Reshape", value, apart), norm, name), together)

    def _kept(self, states: ir.Value, keep: ir.Value) -> ir.Value:
        """The last `keep` positions; -0 is the start, so 0 keeps all."""
        start = self._op("Reshape", self._op("Neg", keep), self._constant("flat", np.array([-1], np.int64)))
        end = self._constant("end", np.array([2**31 - 1], np.int64))
        return self._op("Slice", states, start, end, self._constant("axis", np.array([1], np.int64)))

    def _rest(self, attended: ir.Value, residual: ir.Value, layer: Layer, number: int) -> tuple[ir.Value, ir.Value]:
        """Behind attention: the layer's own states added up, and normalised for the next layer or the head."""
        name = f"layers.{number}"
        out = self._linear(attended, layer.output, f"{name}.self_attn.o_proj")
        hidden, residual = self._skip(out, residual, layer.after, f"{name}.post_attention_layernorm")
        gate = self._linear(hidden, layer.gate, f"{name}.mlp.gate_proj")
        up = self._linear(hidden, layer.up, f"{name}.mlp.up_proj")
        open_ = self._op("Mul", self._op("Mul", gate, self._op("Sigmoid", gate)), up)
        down = self._linear(open_, layer.down, f"{name}.mlp.down_proj")
        last = number + 1 == len(self.decoder.layers)
        norm = self.decoder.norm if last else self.decoder.layers[number + 1].before
        return self._skip(down, residual, norm, "norm" if last else f"layers.{number + 1}.input_layernorm")

    def _norm(self, states: ir.Value, norm: Norm, name: str) -> ir.Value:
        weight = self._weight(f"{name}.weight", norm.weight)
        return self._op("SimplifiedLayerNormalization", states, weight, axis=-1, epsilon=norm.epsilon, stash_type=1)

    def _skip(self, states: ir.Value, residual: ir.Value, norm: Norm, name: str) -> tuple[ir.Value, ir.Value]:
        """norm(states + residual), states + residual."""
        hidden, _, _, added = self.tape.op_multi_out(
            "SkipSimplifiedLayerNormalization",
            [states, residual, self._weight(f"{name}.weight", norm.weight)],
            num_outputs=4,
            domain=MICROSOFT,
            attributes={"epsilon": norm.epsilon},
        )
        return hidden, added

    def _linear(self, states: ir.Value, linear: Linear, name: str) -> ir.Value:
        product = self._op("MatMul", states, self._weight(f"{name}.weight", linear.weight.T))
        return product if linear.bias is None else self._op("Add", product, self._weight(f"{name}.bias", linear.bias))

    def _op(self, kind: str, *inputs: ir.Value, **attributes: Any) -> ir.Value:
        return self.tape.op(kind, list(inputs), attributes=attributes or None)

    def _weight(self, name: str, values: Tensor) -> ir.Value:
        """Copied into the order of the file only when it is written, so that a large model is not in memory twice."""

        def ordered() -> ir.TensorProtocol:
            return ir.tensor(np.ascontiguousarray(values.cpu().numpy()), name=name)

        lazy = ir.LazyTensor(ordered, dtype=_FLOAT, shape=ir.Shape(tuple(values.shape)), name=name)
        return self.tape.initializer(lazy, name)

    def _constant(self, name: str, value: Any) -> ir.Value:
        for known in self.tape.initializers:
            if known.name == name:
                return known
        return self.tape.initializer(ir.tensor(np.asarray(value), name=name), name)

    def _names(self, stem: str) -> list[str]:
        return [f"{stem}.{n}.{part}" for n in range(len(self.decoder.layers)) for part in ("key", "value")]

    def _cache_shape(self, length: str) -> list[Any]:
        return ["batch_size", self.decoder.kv_heads, length, self.decoder.head_dim]

    def _finished(self, inputs: list[ir.Value], logits: ir.Value, present: list[ir.Value]) -> ir.Model:
        logits.name, logits.type = "logits", ir.TensorType(_FLOAT)
        logits.shape = ir.Shape(["batch_size", "kept", self.decoder.vocabulary])
        graph = ir.Graph(
            inputs,
            [logits, *present],
            nodes=self.tape.nodes,
            initializers=self.tape.initializers,
            opset_imports={"": OPSET, MICROSOFT: 1},
            name="decoder_model_merged",
        )
        return ir.Model(graph, ir_version=IR_VERSION, producer_name=PRODUCER)


def _input(name: str, kind: ir.DataType, shape: list[Any]) -> ir.Value:
    return ir.Value(name=name, type=ir.TensorType(kind), shape=ir.Shape(shape))


def _joined(*parts: Linear) -> Linear:
    """Several linear layers of the same input as one."""
    import torch

    biases = [part.bias if part.bias is not None else torch.zeros(len(part.weight)) for part in parts]
    bias = torch.cat(biases) if any(part.bias is not None for part in parts) else None
    return Linear(torch.cat([part.weight for part in parts]), bias)
