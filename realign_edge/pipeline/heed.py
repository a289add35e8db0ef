"""Progress that keeps a run's heartbeat, and at which work stops or pauses."""

import time
from collections.abc import Callable

from realign_edge.errors import Interrupted
from realign_edge.progress import Progress
from realign_edge.runs.run import Run

_BEAT_S = 1.0


class Heeding:
    """Passes progress on; every report is a point at which work may be stopped or paused.

    For stages that keep what is finished by themselves, so that leaving them at any report loses little.
    run: None where there is no heartbeat to keep.
    """

    def __init__(self, shown: Progress, run: Run | None, stage: str, should_stop: Callable[[], bool]) -> None:
        self._shown, self._run, self._stage, self._should_stop = shown, run, stage, should_stop
        self._task, self._total, self._beat = "", 0, 0.0

    def start(self, task: str, total: int, unit: str = "photos") -> None:
        """A task begins."""
        self._task, self._total = task, total
        self._shown.start(task, total, unit)

    def advance(self, done: int) -> None:
        """Report, and look up.

        Raises:
            Interrupted: somebody asked for an end.
        """
        self._shown.advance(done)
        now = time.monotonic()
        if self._run is not None and now - self._beat >= _BEAT_S:
            self._beat = now
            self._run.heartbeat(state="running", stage=self._stage, done=done, total=self._total)
        if self._should_stop():
            raise Interrupted(f'stopped in "{self._task}"', "run the same command again to go on")

    def finish(self, note: str = "") -> None:
        """The task is over."""
        self._shown.finish(note)

    def warn(self, message: str) -> None:
        """Something to know."""
        self._shown.warn(message)
