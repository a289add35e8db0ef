"""The decoder as torch traces it, for those that our own graph does not express: correct, and slower.

Its cache grows: present is past and the new tokens. Trace the states behind the last layer only; the head, which
needs the kept positions alone, is written behind them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from onnx_ir.tape import Tape
from torch import Tensor, nn

from realign_edge.export.graphs.decoder.two_way import two_way_mask
from realign_edge.export.graphs.onnxfile import PRODUCER
from realign_edge.export.graphs.trace import traced
from realign_edge.vlm.attention import prepared, understands_packed
from realign_edge.vlm.model import Vlm

# Distinct, and none of them 0 or 1, which the exporter takes for constants.
_BATCH, _LENGTH, _PAST = 2, 3, 5


@dataclass(frozen=True)
class CacheShape:
    """Of each layer's keys and values."""

    layers: int
    kv_heads: int
    head_dim: int


class _States(nn.Module):
    """The decoder with its cache as a flat list: keys and values of each layer in turn."""

    def __init__(self, language_model: Any, two_way: bool) -> None:
        super().__init__()
        self.language_model, self.two_way = language_model, two_way

    def forward(
        self, inputs_embeds: Tensor, attention_mask: Tensor, position_ids: Tensor, past_key_values: list[Tensor],
        deepstack_features: list[Tensor],
    ) -> tuple[Tensor, ...]:  # fmt: skip
        cache = _cache(past_key_values)
        deep = {"deepstack_visual_embeds": [*deepstack_features[0]]} if deepstack_features else {}
        if self.two_way:
            mask = two_way_mask(attention_mask, inputs_embeds.shape[1])
            attention_mask = prepared(self.language_model, mask, inputs_embeds.dtype)
        states = self.language_model(
            inputs_embeds=inputs_embeds, attention_mask=attention_mask, position_ids=position_ids,
            past_key_values=cache, use_cache=True, **deep,
        ).last_hidden_state  # fmt: skip
        return (states, *[t for layer in cache.layers for t in (layer.keys, layer.values)])


def _cache(past: list[Tensor]) -> Any:
    from transformers.cache_utils import DynamicCache, DynamicLayer

    cache: Any = DynamicCache()
    cache.layers, cache.layer_class_to_replicate = [], None
    for keys, values in zip(past[0::2], past[1::2], strict=True):
        layer: Any = DynamicLayer()
        layer.keys, layer.values = keys, values
        layer.dtype, layer.device, layer.is_initialized = keys.dtype, keys.device, True
        cache.layers.append(layer)
    return cache


@torch.no_grad()
def cache_shape(vlm: Vlm) -> CacheShape:
    """Found by running two tokens."""
    from transformers import DynamicCache

    cache: Any = DynamicCache()
    hidden = vlm.model.get_input_embeddings().weight.shape[1]
    vlm.language(torch.zeros(1, 2, hidden, dtype=vlm.dtype, device=vlm.device), cache=cache)
    keys = cache.layers[0].keys
    return CacheShape(len(cache.layers), keys.shape[1], keys.shape[3])


def plain_graph(vlm: Vlm, shape: CacheShape, axes: int, deep: int = 0) -> ir.Model:
    """inputs_embeds, attention_mask, position_ids, past, num_logits_to_keep -> logits, present.

    axes: of position_ids: 1 where it is (batch, length), else its first dimension; deep: layers behind which features
    are added, which come in as deepstack_features (deep, batch, length, hidden).

    Raises:
        RealignError: torch could not trace it.
    """
    names = [f"{n}.{part}" for n in range(shape.layers) for part in ("key", "value")]
    language = vlm.language_model
    config: Any = language.config
    more, before = ["deepstack_features"] if deep else [], config._attn_implementation
    # Ours is torch's for packed sequences. One that caps its scores stays as it is.
    config._attn_implementation = "sdpa" if understands_packed(language) else before
    if deep:
        # Its own picks the photo's states by a mask, which a graph cannot size; here all others are given zeros.
        language.__dict__["_deepstack_process"] = lambda states, _, features: states + features
    try:
        model = traced(
            _States(language, vlm.family.both_ways != "nothing"), _example(vlm, shape, axes, deep),
            ["inputs_embeds", "attention_mask", "position_ids", *(f"past_key_values.{n}" for n in names), *more],
            ["hidden_states", *(f"present.{n}" for n in names)], _dynamic(shape, axes, deep), "decoder_model_merged",
        )  # fmt: skip
    finally:
        config._attn_implementation = before
        language.__dict__.pop("_deepstack_process", None)
    _name_axes(model, shape)
    _add_head(model, vlm)
    return model


def _example(vlm: Vlm, shape: CacheShape, axes: int, deep: int) -> tuple[Any, ...]:
    hidden = vlm.model.get_input_embeddings().weight.shape[1]
    places = torch.arange(_PAST, _PAST + _LENGTH).expand(_BATCH, -1)
    return (
        torch.zeros(_BATCH, _LENGTH, hidden),
        torch.ones(_BATCH, _PAST + _LENGTH, dtype=torch.int64),
        places.contiguous() if axes == 1 else places.expand(axes, -1, -1).contiguous(),
        [torch.zeros(_BATCH, shape.kv_heads, _PAST, shape.head_dim) for _ in range(2 * shape.layers)],
        [torch.zeros(deep, _BATCH, _LENGTH, hidden)] if deep else [],
    )


def _dynamic(shape: CacheShape, axes: int, deep: int) -> dict[str, Any]:
    free = torch.export.Dim.DYNAMIC
    return {
        "inputs_embeds": {0: free, 1: free},
        "attention_mask": {0: free, 1: free},
        "position_ids": {0: free, 1: free} if axes == 1 else {1: free, 2: free},
        "past_key_values": [{0: free, 2: free} for _ in range(2 * shape.layers)],
        "deepstack_features": [{1: free, 2: free}] if deep else [],
    }


def _name_axes(model: ir.Model, shape: CacheShape) -> None:
    """As in our own graph: transformers.js finds the batch by its name."""
    names = {"inputs_embeds": ("batch_size", "length"), "attention_mask": ("batch_size", "total")}
    for value in [*model.graph.inputs, *model.graph.outputs]:
        sizes: list[Any] = list(value.shape or ())
        if value.name in names:
            sizes[:2] = names[str(value.name)]
        elif value.name == "position_ids":
            sizes[-2:] = ["batch_size", "length"]
        elif value.name == "deepstack_features":
            sizes[1:3] = ["batch_size", "length"]
        elif "." in str(value.name):
            length = "past" if str(value.name).startswith("past") else "total"
            sizes = ["batch_size", shape.kv_heads, length, shape.head_dim]
        value.shape = ir.Shape(sizes)


def _add_head(model: ir.Model, vlm: Vlm) -> None:
    """Keep the last positions, multiply by the head, cap."""
    tape, graph, states = Tape(), model.graph, model.graph.outputs[0]
    keep = ir.Value(name="num_logits_to_keep", type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape([]))
    start = tape.op("Reshape", [tape.op("Neg", [keep]), _weight(tape, "head.flat", np.array([-1], np.int64))])
    end, axis = (_weight(tape, f"head.{n}", np.array([v], np.int64)) for n, v in (("end", 2**31 - 1), ("axis", 1)))
    kept = tape.op("Slice", [states, start, end, axis])
    weight: Any = vlm.lm_head.weight
    table = np.ascontiguousarray(weight.detach().float().cpu().numpy().T)
    logits = tape.op("MatMul", [kept, _weight(tape, "lm_head.weight", table)])
    if vlm.logit_cap is not None:
        cap = _weight(tape, "head.cap", np.array(vlm.logit_cap, np.float32))
        logits = tape.op("Mul", [tape.op("Tanh", [tape.op("Div", [logits, cap])]), cap])
    logits.name, logits.type = "logits", ir.TensorType(ir.DataType.FLOAT)
    logits.shape = ir.Shape(["batch_size", "kept", table.shape[1]])
    for value in tape.initializers:
        graph.initializers.add(value)
    graph.extend(tape.nodes)
    graph.inputs.insert(3, keep)
    graph.outputs[0] = logits
    model.producer_name = PRODUCER


def _weight(tape: Tape, name: str, value: Any) -> ir.Value:
    return tape.initializer(ir.tensor(value, name=name), name)
