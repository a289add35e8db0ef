"""While a tower is traced, its attention is one operator of onnxruntime instead of six of ONNX."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from realign_edge.export.graphs.onnxfile import MICROSOFT

NAME = "fused_export"


def fused(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **more: Any
) -> tuple[Tensor, None]:
    """transformers' attention interface; query, key, value: (batch, heads, length, width), every one of all lengths.

    Returns (batch, length, heads, width). What has a mask, or fewer heads for keys, is attended as usual.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if attention_mask is not None or key.shape[1] != query.shape[1] or more.get("is_causal"):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **more)
    batch, heads, length, width = query.shape
    flat = [t.transpose(1, 2).reshape(batch, t.shape[2], heads * width) for t in (query, key, value)]
    attended = multi_head(flat, heads, more.get("scaling") or width**-0.5)
    return attended.reshape(batch, length, heads, width), None


def multi_head(states: Sequence[Tensor], heads: int, scale: float, mask: Tensor | None = None) -> Tensor:
    """The operator; states: queries, keys and values, each (batch, length, heads * width), as the result is.

    mask: (batch, length) int32, 0 for keys that nobody attends to.
    """
    attributes: dict[str, Any] = {"num_heads": heads, "scale": float(scale)}
    inputs: list[Tensor | None] = [*states]
    if mask is not None:
        inputs, attributes["mask_filter_value"] = [*states, None, mask], float(torch.finfo(torch.float32).min)
    return torch.onnx.ops.symbolic(
        f"{MICROSOFT}::MultiHeadAttention", inputs, attributes, dtype=states[0].dtype, shape=states[0].shape, version=1
    )


@contextmanager
def fused_attention(tower: nn.Module) -> Iterator[None]:
    """Inside, the tower can be traced and not run."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, fused)
    configs = {id(c): c for m in tower.modules() if (c := getattr(m, "config", None)) is not None}
    before = {key: getattr(config, "_attn_implementation", None) for key, config in configs.items()}
    try:
        for key, config in configs.items():
            if before[key] == "sdpa":
                config._attn_implementation = NAME
        yield
    finally:
        for key, config in configs.items():
            if before[key] == "sdpa":
                config._attn_implementation = before[key]
