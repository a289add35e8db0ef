"""Which published models a GPU can train, by the planner: the rows behind `models presets` and the shipped presets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from realign_edge.alignment.gpu_presets import RECIPE, GpuPreset
from realign_edge.alignment.headroom import BASE_ON_GPU, geometry_stated, usual_pairs
from realign_edge.alignment.memory import Plan, plan
from realign_edge.alignment.settings import PRESETS
from realign_edge.errors import UsageError
from realign_edge.vlm.family import Checkpoint, Family, families
from realign_edge.vlm.resolution import looking_at
from realign_edge.vlm.sizes import Sizes

GPU_SIZES_GB = (12, 16, 24, 48)
# What the driver reports of a card's size as sold; cards with error correction report the least.
REPORTED = 0.92
MOST_TOKENS = 8192
# Tokens of a photo that are tried, the finest first: 2,560 tokens of 32 x 32 pixels are 1,870 x 1,400.
PHOTO_TOKENS = (2560, 1280, 640)
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Fit:
    """A checkpoint, and the finest photos, the fewest repetitions and the largest token budget at which it fits.

    pair_tokens: of one pair of usual length at these photos.
    """

    checkpoint: Checkpoint
    family: Family
    sizes: Sizes
    photo_tokens: int
    checkpointing: bool
    found: Plan
    pair_tokens: int

    @property
    def micro_tokens(self) -> int:
        """The token budget."""
        return self.found.micro_tokens

    def as_plain(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "model": self.checkpoint.id,
            "family": self.family.name,
            "parameters": self.sizes.total,
            "licence": self.checkpoint.licence,
            "commercial_use": self.checkpoint.commercial_use,
            "photo_tokens": self.photo_tokens,
            "gradient_checkpointing": self.checkpointing,
            "micro_tokens": self.micro_tokens,
            "peak_bytes": self.found.forecast.total,
            "limit_bytes": self.found.limit,
        }


def stated() -> Iterator[tuple[Family, Checkpoint, Sizes]]:
    """Every checkpoint whose shape its profile states, the largest first."""
    every = [(f, c, c.sizes) for f in families() for c in f.hub if c.sizes is not None]
    yield from sorted(every, key=lambda row: (-row[2].total, row[1].id))


def fit(family: Family, checkpoint: Checkpoint, sizes: Sizes, memory: int) -> Fit | None:
    """The finest photos first, then without gradient checkpointing, then the largest budget; None = nothing fits."""
    geometry = geometry_stated(sizes, BASE_ON_GPU)
    for tokens in resolutions(family):
        items = usual_pairs(tokens)
        for checkpointing in (False, True):
            settings = replace(PRESETS[RECIPE], micro_tokens=MOST_TOKENS, gradient_checkpointing=checkpointing)
            try:
                found = plan(geometry, settings, items, memory)
            except UsageError:
                continue
            return Fit(checkpoint, family, sizes, tokens, checkpointing, found, items[0].tokens)
    return None


def resolutions(family: Family) -> Sequence[int]:
    """Tokens of a photo that are tried; a single one where the checkpoint alone decides."""
    if family.resolution is None:
        return (family.photo_tokens or FIXED_PHOTO,)
    return [looking_at(family, tokens).photo_tokens for tokens in PHOTO_TOKENS]


# LLaVA-1.5, whose configuration says it: 336 pixels in patches of 14.
FIXED_PHOTO = 576


def memory_of(gpu_gb: int) -> int:
    """Bytes that a card of this size is counted with."""
    return int(gpu_gb * REPORTED * _GIB)


def fits(gpu_gb: int) -> list[Fit]:
    """What fits a GPU, the largest model first."""
    found = [fit(*row, memory_of(gpu_gb)) for row in stated()]
    return [row for row in found if row is not None]


def derived() -> tuple[GpuPreset, ...]:
    """For each size the largest model whose photos' resolution can be chosen and that may be used commercially."""
    presets = []
    for gpu_gb in GPU_SIZES_GB:
        best = next(row for row in fits(gpu_gb) if row.family.resolution is not None and row.checkpoint.commercial_use)
        presets.append(
            GpuPreset(
                f"gpu-{gpu_gb}gb", gpu_gb, best.checkpoint.id, best.photo_tokens, best.micro_tokens,
                best.checkpointing, PRESETS[RECIPE].lora_rank,
            )
        )  # fmt: skip
    return tuple(presets)
