"""Is training well? The few numbers that the rules look at, out of any number of steps."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from realign_edge.monitoring.marks import number, whole

_WINDOW = 5


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Share of held-out pairs answered rightly at the last look and at the best one; n: how many pairs."""

    now: float
    best: float
    n: int

    @property
    def falls(self) -> bool:
        """Is it lower by more than chance (two standard errors of a share of n)?"""
        spread = math.sqrt(max(self.best * (1 - self.best), 0.01) / max(self.n, 1))
        return self.best - self.now > 2 * spread


@dataclass(frozen=True, slots=True)
class Beat:
    """loss, chosen: means over the last five steps; first, lowest: the first and the lowest such mean of the loss."""

    loss: float | None = None
    first: float | None = None
    lowest: float | None = None
    loss_is_nan: bool = False
    chosen: float | None = None
    held_out: HeldOut | None = None

    @property
    def explodes(self) -> bool:
        """Is the loss far above where it has been, and where it began?"""
        if self.loss is None or self.first is None or self.lowest is None:
            return False
        return self.loss > 2 * abs(self.lowest) + 0.5 and self.loss > 1.5 * abs(self.first)


class Pulse:
    """Keeps the last steps, and the extremes of all."""

    def __init__(self) -> None:
        self._losses, self._chosen = deque[float](maxlen=_WINDOW), deque[float](maxlen=_WINDOW)
        self._first: float | None = None
        self._lowest, self._nan, self._best = math.inf, False, -1.0
        self._held: tuple[float, int] | None = None

    def step(self, event: Mapping[str, Any]) -> None:
        """One training step. A loss that is not a number is written as null."""
        loss, chosen = number(event, "loss"), number(event, "chosen_change")
        self._nan = "loss" in event and loss is None
        if loss is not None:
            self._losses.append(loss)
            if len(self._losses) == _WINDOW:
                mean = sum(self._losses) / _WINDOW
                self._first = mean if self._first is None else self._first
                self._lowest = min(self._lowest, mean)
        if chosen is not None:
            self._chosen.append(chosen)

    def look(self, event: Mapping[str, Any]) -> None:
        """One look at the held-out pairs."""
        share = number(event, "text_accuracy")
        if share is not None:
            self._best = max(self._best, share)
            self._held = (share, whole(event, "pairs"))

    @property
    def beat(self) -> Beat:
        """What it is now."""
        full = len(self._losses) == _WINDOW
        return Beat(
            loss=sum(self._losses) / _WINDOW if full else None,
            first=self._first,
            lowest=self._lowest if full else None,
            loss_is_nan=self._nan,
            chosen=sum(self._chosen) / _WINDOW if len(self._chosen) == _WINDOW else None,
            held_out=HeldOut(self._held[0], self._best, self._held[1]) if self._held else None,
        )
