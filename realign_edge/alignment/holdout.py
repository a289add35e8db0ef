"""The held-out slice of pairs: which photos it holds, and what looking at it decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from realign_edge.alignment.batches import Item
from realign_edge.files import sha256_bytes

# Fewer pairs than this say nothing about which checkpoint is better.
MIN_HELD_PAIRS = 8


def split(items: Sequence[Item], share: float, seed: int) -> tuple[list[int], list[int]]:
    """Positions of the pairs to train on and of the held-out ones. All pairs of a photo are on one side.

    Photos are taken in the order of a hash of seed and identity, so that a photo that is added moves few
    others. Nothing is held out where that would be fewer than `MIN_HELD_PAIRS` pairs.
    """
    photos = sorted({i.pair.photo for i in items}, key=lambda sha: sha256_bytes(f"{seed}:{sha}".encode()))
    held = set(photos[: round(share * len(photos))])
    away = [n for n, item in enumerate(items) if item.pair.photo in held]
    if len(away) < MIN_HELD_PAIRS:
        return list(range(len(items))), []
    return [n for n, item in enumerate(items) if item.pair.photo not in held], away


@dataclass
class Looks:
    """Looks at the held-out pairs so far: (step, loss)."""

    patience: int
    seen: list[tuple[int, float]]

    def add(self, step: int, loss: float) -> None:
        """One more look."""
        self.seen.append((step, loss))

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and loss of the lowest, the earlier one of two equal ones."""
        return min(self.seen, key=lambda look: (look[1], look[0])) if self.seen else None

    @property
    def enough(self) -> bool:
        """Have the last `patience` looks all been in vain?"""
        if not self.patience or self.best is None:
            return False
        return sum(step > self.best[0] for step, _ in self.seen) >= self.patience
