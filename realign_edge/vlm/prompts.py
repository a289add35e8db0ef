"""Prompts are read once, and continued over a key/value cache."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from realign_edge.vlm.attention import prepared
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Prefix, Sight, block_mask, deep_inputs


def read_prompts(vlm: Vlm, prefixes: Sequence[Prefix], sights: Sequence[Sight]) -> tuple[Any, Tensor]:
    """Run prompts of one length: the cache that continues them, and the last hidden states (rows, 1, hidden).

    The cache keeps every token in every layer, also where a decoder looks back over a window alone
    (`Vlm.context` is within it).
    """
    from transformers import DynamicCache

    cache = DynamicCache()
    ids = torch.stack([p.ids for p in prefixes])
    mask = block_mask(torch.stack([p.blocks for p in prefixes]))
    hidden = vlm.language(
        vlm.embed(ids, sights),
        attention_mask=None if mask is None else prepared(vlm.language_model, mask.to(vlm.device), vlm.dtype),
        position_ids=torch.stack([p.positions for p in prefixes], dim=1),
        cache=cache,
        deep=deep_inputs(ids.to(vlm.device) == vlm.image_token_id, sights),
    )
    return cache, hidden[:, -1:]
