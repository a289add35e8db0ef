"""Where a window's facts come from: the run that the context names, live, or played again from its events."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from realign_edge.monitoring.look import looking
from realign_edge.monitoring.model import Looking, RunView
from realign_edge.runs.run import Run, find_live
from tui.context import Context

Move = Literal["faster", "slower", "hold", "end", "start"]
_FASTEST, _SLOWEST = 1e4, 0.25
# Seconds at once that are more than any run takes; each look goes as far as it can in its time.
_FAR = 1e9


def open_looking(context: Context) -> Looking:
    """What looks at the run of the context: a run that goes on before one that has ended.

    Raises:
        RealignError: there is no such run, or the speed is none.
    """
    run = find_live(context.home / "runs", context.run)
    if context.speed is None:
        return looking(run)
    return Player(run, context.speed)


class Player:
    """A replay whose clock can be hurried, slowed, held and turned back. speed: times as fast as it was."""

    def __init__(self, run: Run, speed: float, opener: Callable[[Run, float], Looking] = looking) -> None:
        self._run, self._first, self._opener = run, speed, opener
        self._looking = opener(run, speed)
        self.speed, self.held = speed, False
        self._to_end = False
        self._clock = 0.0
        self._looked_at: float | None = None

    def look(self, now: float) -> RunView:
        """The run as it was; now: seconds since the epoch, of the present."""
        passed = 0.0 if self._looked_at is None else max(now - self._looked_at, 0.0)
        self._looked_at = now
        if self._to_end:
            self._clock += _FAR
        elif not self.held:
            self._clock += passed * self.speed / self._first
        view = self._looking.look(self._clock)
        self._to_end = self._to_end and not view.replayed
        return replace(view, replay=0.0 if self.held else self.speed)

    def step_sample(self, by: int = 1) -> None:
        """Another photo."""
        self._looking.step_sample(by)

    def move(self, move: Move) -> None:
        """Change the clock: twice or half as fast, held or not, all that is left at once, or from the start."""
        if move == "faster":
            self.speed = min(self.speed * 2, _FASTEST)
        elif move == "slower":
            self.speed = max(self.speed / 2, _SLOWEST)
        elif move == "hold":
            self.held = not self.held
        elif move == "end":
            self._to_end = True
        else:
            self._looking, self._clock, self._looked_at = self._opener(self._run, self._first), 0.0, None
            self._to_end = False
