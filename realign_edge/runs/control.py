"""What people ask of the process that works on a run: to go on, to pause, to stop."""

import contextlib
import time
from collections.abc import Callable
from typing import Literal

from realign_edge.runs.run import Run

Wish = Literal["go", "pause", "stop"]


class Control:
    """Reads the requests that lie in a run's folder, and the flag that signals set.

    Work asks `wish()` once a step. On "pause" it makes safe what it has, so that a power cut during the pause
    loses nothing, and calls `wait_while_paused()`; on "stop" it makes safe what it has and ends. Work that has
    nothing to make safe calls the object itself: it waits a pause out, and is True when the work is to end.
    """

    def __init__(self, run: Run, stopping: Callable[[], bool], poll_s: float = 0.5) -> None:
        self._run, self._stopping, self._poll_s = run, stopping, poll_s

    def wish(self) -> Wish:
        """What is wanted now. A stop goes before a pause, and stays wanted until the work ends."""
        if self._stopping() or self._run.requested("stop"):
            return "stop"
        return "pause" if self._run.requested("pause") else "go"

    def wait_while_paused(self) -> None:
        """Return once the work is to go on or to stop; until then the run's state is `paused`."""
        if self.wish() != "pause":
            return
        while self.wish() == "pause":
            # Whoever waits needs no disk: one that is full is met, and told, when the work goes on.
            with contextlib.suppress(OSError):
                self._run.turn("paused")
            time.sleep(self._poll_s)
        self._run.turn("running")

    def __call__(self) -> bool:
        """Is the work to end? Waits while it is to pause."""
        self.wait_while_paused()
        return self.wish() == "stop"
