"""What the language model is given of a photo, and of the prompt around it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

_NO_GRID = torch.zeros(0, dtype=torch.int64)


@dataclass(frozen=True)
class Layout:
    """How a photo stands in a prompt.

    tokens: (n,) int64 ids that stand for it: placeholders, and what a family puts around and between tiles;
    grid: (3,) int64 frames, height and width in patches where positions depend on them, else (0,).
    """

    tokens: Tensor
    grid: Tensor = _NO_GRID

    @property
    def key(self) -> tuple[bytes, tuple[int, ...]]:
        """Equal for photos that stand alike in a prompt."""
        return self.tokens.numpy().tobytes(), tuple(self.grid.tolist())


@dataclass(frozen=True, kw_only=True)
class Sight(Layout):
    """A photo as the language model sees it.

    features: (m, hidden), a row for each of the m placeholders in order; deep: (k, m, hidden), added to the
    states of the placeholders behind the first k layers, None for most families.
    """

    features: Tensor
    deep: Tensor | None = None

    @property
    def layout(self) -> Layout:
        """Without the features."""
        return Layout(self.tokens, self.grid)

    @property
    def rows(self) -> Tensor:
        """(1 + k, m, hidden): features, and what is added behind the first k layers."""
        own = self.features.unsqueeze(0)
        return own if self.deep is None else torch.cat([own, self.deep])

    def blank(self, row: Tensor) -> "Sight":
        """No photo: every row is the same one; row: (1 + k, hidden)."""
        same = row.unsqueeze(1).expand(-1, len(self.features), -1)
        return replace(self, features=same[0], deep=same[1:] if len(same) > 1 else None)


@dataclass(frozen=True)
class Prefix:
    """A prompt with its photo: ids (P,) int64; positions (axes, P) int64; blocks (P,) int64.

    Tokens of the same block > 0 attend to one another in both directions, all others causally.
    """

    ids: Tensor
    positions: Tensor
    blocks: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def end(self) -> int:
        """The position, on every axis, of what comes next."""
        return int(self.positions.max()) + 1

    def continued(self, count: int) -> Tensor:
        """Positions (axes, count) of a text behind it."""
        return torch.arange(self.end, self.end + count).expand(len(self.positions), -1)


def deep_inputs(placeholders: Tensor, sights: Sequence[Sight]) -> dict[str, Any]:
    """What a decoder with deep features takes besides; empty for others. placeholders: (batch, length) booleans."""
    deep = [s.deep for s in sights if s.deep is not None]
    if not deep:
        return {}
    return {"visual_pos_masks": placeholders, "deepstack_visual_embeds": list(torch.cat(deep, dim=1))}


def by_length(prefixes: Iterable[Prefix]) -> list[list[int]]:
    """Numbers of the prefixes, those of the same length together."""
    groups: dict[int, list[int]] = {}
    for number, prefix in enumerate(prefixes):
        groups.setdefault(len(prefix), []).append(number)
    return list(groups.values())


def blocks_of(image: Tensor, both_ways: Literal["nothing", "photo", "prompt"]) -> Tensor:
    """Block numbers (P,) of a prompt; image: (P,) where its photo has placeholders, each run of which is a block."""
    if both_ways == "prompt":
        return torch.ones_like(image, dtype=torch.int64)
    if both_ways == "nothing":
        return torch.zeros_like(image, dtype=torch.int64)
    starts = image & ~torch.cat([image.new_zeros(1), image[:-1]])
    return starts.cumsum(0) * image


def block_mask(blocks: Tensor) -> Tensor | None:
    """(batch, 1, P, P) True = may attend, for prompts alone; None where all are causal. blocks: (batch, P)."""
    if not bool(blocks.any()):
        return None
    causal = torch.ones(blocks.shape[1], blocks.shape[1], dtype=torch.bool).tril()
    return (causal | together(blocks, blocks)).unsqueeze(1)


def together(rows: Tensor, columns: Tensor) -> Tensor:
    """(batch, rows, columns) True where both are of the same block; given: block numbers (batch, ...)."""
    return (rows.unsqueeze(2) == columns.unsqueeze(1)) & (rows > 0).unsqueeze(2)
