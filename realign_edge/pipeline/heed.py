"""Progress that keeps a run's heartbeat, and at which work stops or pauses."""

import time
from collections.abc import Callable
from typing import Any

from realign_edge.errors import Interrupted
from realign_edge.meter import Meter
from realign_edge.progress import Progress
from realign_edge.runs.run import Run

# Heartbeats say how it is; events, which stay, are told more rarely.
_BEAT_S, _EVENT_S = 1.0, 2.0


def _unheard(event: dict[str, Any]) -> None:
    """What is told to nobody."""


class Heeding:
    """Passes progress on; every report is a point at which work may be stopped or paused.

    For stages that keep what is finished by themselves, so that leaving them at any report loses little.
    run: None where there is no heartbeat to keep; tell: takes events of progress and of warnings;
    by_itself: the task that heeds wishes by itself, since there is something to make safe first.
    """

    def __init__(
        self,
        shown: Progress,
        run: Run | None,
        stage: str,
        should_stop: Callable[[], bool],
        tell: Callable[[dict[str, Any]], None] = _unheard,
        by_itself: str = "",
    ) -> None:
        self._shown, self._run, self._stage, self._should_stop = shown, run, stage, should_stop
        self._tell, self._by_itself = tell, by_itself
        self._task, self._meter = "", Meter(0, "", 0.0)
        self._beat_at = self._told_at = 0.0

    def start(self, task: str, total: int, unit: str = "photos") -> None:
        """A task begins."""
        now = time.monotonic()
        self._task, self._meter, self._told_at = task, Meter(total, unit, now), now
        self._shown.start(task, total, unit)

    def advance(self, done: int) -> None:
        """Report, and look up.

        Raises:
            Interrupted: somebody asked for an end.
        """
        self._shown.advance(done)
        now = time.monotonic()
        self._meter.update(done, now)
        # Training tells of each of its steps.
        if self._task == self._by_itself:
            return
        if self._run is not None and now - self._beat_at >= _BEAT_S:
            self._beat_at = now
            self._run.heartbeat(state="running", **self._place())
        if now - self._told_at >= _EVENT_S:
            self._told_at = now
            self._tell({"type": "progress", **self._place()})
        if self._should_stop():
            raise Interrupted(f'stopped in "{self._task}"', "run the same command again to go on")

    def finish(self, note: str = "") -> None:
        """The task is over."""
        self._shown.finish(note)

    def warn(self, message: str) -> None:
        """Something to know."""
        self._shown.warn(message)
        self._tell({"type": "warning", "message": message})

    def _place(self) -> dict[str, Any]:
        """Where the work is; rate in units per second, None while it is not known."""
        meter = self._meter
        about = {"stage": self._stage, "task": self._task, "unit": meter.unit}
        return {**about, "done": meter.done, "total": meter.total, "rate": meter.rate or None}
