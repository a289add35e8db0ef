"""Our own graph of a Llama-like decoder, written from its weights with onnxruntime's fused operators.

One graph reads a prompt, a part of one behind a past, and a single token. GroupQueryAttention takes the true length
from `attention_mask`, so past and present of a layer may be one preallocated buffer; with separate tensors it works
as well. The last layer computes its feed-forward part at the kept positions alone: nobody reads the others.
"""

from typing import Any

import numpy as np
import onnx_ir as ir

from realign_edge.export.graphs.decoder.architecture import Decoder, Layer, Norm
from realign_edge.export.graphs.decoder.rotation import Turn, turn_of, turned
from realign_edge.export.graphs.decoder.writer import Writer, joined
from realign_edge.export.graphs.onnxfile import IR_VERSION, MICROSOFT, OPSET, PRODUCER

_FLOAT, _INT64 = ir.DataType.FLOAT, ir.DataType.INT64


def decoder_graph(decoder: Decoder) -> ir.Model:
    """inputs_embeds, attention_mask, position_ids, num_logits_to_keep, past -> logits, present.

    Names and shapes are those of `bundle/contract.py`; batch rows are of one length, unpadded. Where positions have
    axes, position_ids has them first; where layers add features of the photo, deepstack_features (layers, batch,
    length, hidden) comes last, 0 for all that is no photo.
    """
    return _Graph(decoder).model()


class _Graph:
    """The parts of a decoder, one after the other; methods return values of the graph."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder, self.to = decoder, Writer()
        self.cosine = self.to.weight("cos_cache", decoder.cosine)
        self.sine = self.to.weight("sin_cache", decoder.sine)
        self.turn: Turn | None = None
        self.deep: list[ir.Value] = []

    def model(self) -> ir.Model:
        states = _input("inputs_embeds", _FLOAT, ["batch_size", "length", self.decoder.hidden])
        mask = _input("attention_mask", _INT64, ["batch_size", "total"])
        axes = [len(set(self.decoder.axes))] if self.decoder.axes else []
        positions = _input("position_ids", _INT64, [*axes, "batch_size", "length"])
        keep = _input("num_logits_to_keep", _INT64, [])
        past = [_input(name, _FLOAT, self._cache_shape("past")) for name in self._names("past_key_values")]
        deep = self._deep_input()
        lengths = self._lengths(mask)
        if axes:
            tables = (self.cosine, self.sine)
            self.turn = turn_of(self.to.op, self.to.constant, self.decoder.axes, tables, positions)
        hidden, residual, present = states, states, []
        for number, layer in enumerate(self.decoder.layers):
            hidden = self._first(hidden, layer) if number == 0 else hidden
            attended, own = self._attention(
                hidden, layer, number, past[2 * number : 2 * number + 2], lengths, positions
            )
            present += own
            if number + 1 == len(self.decoder.layers):
                attended, residual = self._kept(attended, keep), self._kept(residual, keep)
                self.deep = [self._kept(value, keep) for value in self.deep]
            hidden, residual = self._rest(attended, residual, layer, number)
        logits = self.to.linear(hidden, self.decoder.head, "lm_head")
        return self._finished([states, mask, positions, keep, *past, *deep], logits, present)

    def _deep_input(self) -> list[ir.Value]:
        """Features that are added behind the first layers, (batch, length, hidden) each; returns the graph's input."""
        count = self.decoder.deep
        if not count:
            return []
        value = _input("deepstack_features", _FLOAT, [count, "batch_size", "length", self.decoder.hidden])
        self.deep = [
            self.to.op("Gather", value, self.to.constant(f"deep_{n}", np.int64(n)), axis=0) for n in range(count)
        ]
        return [value]

    def _lengths(self, mask: ir.Value) -> list[ir.Value]:
        """Tokens of each row without the last one, (batch,) int32, and of the longest, () int32."""
        total = self.to.op("Gather", self.to.op("Shape", mask), self.to.constant("one", np.int64(1)))
        summed = self.to.op("ReduceSum", mask, self.to.constant("axis", np.array([1], np.int64)), keepdims=0)
        before = self.to.op("Sub", summed, self.to.constant("one", np.int64(1)))
        return [self.to.op("Cast", value, to=int(ir.DataType.INT32)) for value in (before, total)]

    def _first(self, states: ir.Value, layer: Layer) -> ir.Value:
        return self.to.norm(states, layer.before, "layers.0.input_layernorm")

    def _attention(
        self, hidden: ir.Value, layer: Layer, number: int, past: list[ir.Value], lengths: list[ir.Value], at: ir.Value
    ) -> tuple[ir.Value, list[ir.Value]]:
        decoder, name = self.decoder, f"layers.{number}.self_attn"
        packed = self.to.linear(hidden, joined(layer.query, layer.key, layer.value), f"{name}.qkv_proj")
        queries: list[ir.Value | None] = [packed, None, None]
        if self.turn or layer.query_norm:
            queries = [*self._heads(packed, layer, name)]
        own = [] if self.turn else [self.cosine, self.sine, at]
        out, *present = self.to.tape.op_multi_out(
            "GroupQueryAttention",
            [*queries, *past, *lengths, *own],
            num_outputs=3,
            domain=MICROSOFT,
            attributes={
                "num_heads": decoder.heads, "kv_num_heads": decoder.kv_heads, "scale": decoder.scale,
                "do_rotary": 0 if self.turn else 1,
                "rotary_interleaved": 0,
            },
        )  # fmt: skip
        for value, key in zip(present, ("key", "value"), strict=True):
            value.name, value.type = f"present.{number}.{key}", ir.TensorType(_FLOAT)
            value.shape = ir.Shape(self._cache_shape("total"))
        return out, present

    def _heads(self, packed: ir.Value, layer: Layer, name: str) -> list[ir.Value]:
        """Queries, keys and values apart, the first two normalised head by head and turned where that is asked for."""
        d = self.decoder
        widths = np.array([d.heads * d.head_dim, d.kv_heads * d.head_dim, d.kv_heads * d.head_dim], np.int64)
        q, k, v = self.to.tape.op_multi_out(
            "Split", [packed, self.to.constant("qkv_widths", widths)], num_outputs=3, attributes={"axis": -1}
        )
        if layer.query_norm and layer.key_norm:
            q, k = (
                self._by_head(q, layer.query_norm, f"{name}.q_norm"),
                self._by_head(k, layer.key_norm, f"{name}.k_norm"),
            )
        return [*(turned(self.to.op, self.turn, value) if self.turn else value for value in (q, k)), v]

    def _by_head(self, value: ir.Value, norm: Norm, name: str) -> ir.Value:
        apart = self.to.constant("by_head", np.array([0, 0, -1, self.decoder.head_dim], np.int64))
        together = self.to.constant("by_token", np.array([0, 0, -1], np.int64))
        return self.to.op("Reshape", self.to.norm(self.to.op("Reshape", value, apart), norm, name), together)

    def _kept(self, states: ir.Value, keep: ir.Value) -> ir.Value:
        """The last `keep` positions; -0 is the start, so 0 keeps all."""
        start = self.to.op("Reshape", self.to.op("Neg", keep), self.to.constant("flat", np.array([-1], np.int64)))
        end = self.to.constant("end", np.array([2**31 - 1], np.int64))
        return self.to.op("Slice", states, start, end, self.to.constant("axis", np.array([1], np.int64)))

    def _rest(self, attended: ir.Value, residual: ir.Value, layer: Layer, number: int) -> tuple[ir.Value, ir.Value]:
        """Behind attention: the layer's own states added up, and normalised for the next layer or the head."""
        name = f"layers.{number}"
        out = self.to.linear(attended, layer.output, f"{name}.self_attn.o_proj")
        hidden, residual = self.to.skip(out, residual, layer.after, f"{name}.post_attention_layernorm")
        gate = self.to.linear(hidden, layer.gate, f"{name}.mlp.gate_proj")
        up = self.to.linear(hidden, layer.up, f"{name}.mlp.up_proj")
        open_ = self.to.op("Mul", self.to.op("Mul", gate, self.to.op("Sigmoid", gate)), up)
        down = self.to.linear(open_, layer.down, f"{name}.mlp.down_proj")
        residual = self.to.op("Add", residual, self.deep[number]) if number < len(self.deep) else residual
        last = number + 1 == len(self.decoder.layers)
        norm = self.decoder.norm if last else self.decoder.layers[number + 1].before
        return self.to.skip(down, residual, norm, "norm" if last else f"layers.{number + 1}.input_layernorm")

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
            nodes=self.to.tape.nodes,
            initializers=self.to.tape.initializers,
            opset_imports={"": OPSET, MICROSOFT: 1},
            name="decoder_model_merged",
        )
        return ir.Model(graph, ir_version=IR_VERSION, producer_name=PRODUCER)


def _input(name: str, kind: ir.DataType, shape: list[Any]) -> ir.Value:
    return ir.Value(name=name, type=ir.TensorType(kind), shape=ir.Shape(shape))
