"""Attention over packed sequences: the shared prefix is attended causally, only what branches off needs a mask.

A mask with fewer rows than there are queries says so: the queries without a row are plain causal ones. For a
photo of 576 tokens and two answers of 100 this is about half the products of a full masked attention, and
the prefix goes through the kernels that know causality.
"""

from typing import Any

import torch
from torch import Tensor

NAME = "shared_prefix"


def shared_prefix_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **more: Any
) -> tuple[Tensor, None]:
    """transformers' attention interface; query, key, value: (batch, heads, length, width).

    attention_mask: additive, (batch, 1, rows, length) for the last `rows` queries, or as transformers has it.
    Returns (batch, length, heads, width).
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    prefix = query.shape[2] - attention_mask.shape[2] if attention_mask is not None else 0
    if prefix <= 0:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **more)
    before = [t[:, :, :prefix] for t in (query, key, value)]
    first, _ = sdpa_attention_forward(module, before[0], before[1], before[2], None, **more)
    rest, _ = sdpa_attention_forward(module, query[:, :, prefix:], key, value, attention_mask, **more)
    return torch.cat([first, rest], dim=1), None


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where `mask` is True, -inf elsewhere: made once here, where attention would make (and keep) one a layer."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, float("-inf"))


def prepared(decoder: Any, mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask of booleans (True = may attend) in the form that the decoder's attention reads."""
    return mask if decoder.config._attn_implementation in (NAME, "sdpa") else additive(mask, dtype)


def understands_packed(decoder: Any) -> bool:
    """Does it attend in our way?"""
    return bool(decoder.config._attn_implementation == NAME)


def use_shared_prefix(decoder: Any) -> None:
    """Let a decoder that attends through SDPA understand masks of packed sequences."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    if decoder.config._attn_implementation == "sdpa":
        AttentionInterface.register(NAME, shared_prefix_attention)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        decoder.config._attn_implementation = NAME
