"""A run played again by the times of its events, faster than it was, on the same view."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from realign_edge.errors import UsageError
from realign_edge.monitoring.decision import read_decision
from realign_edge.monitoring.marks import number, whole
from realign_edge.monitoring.middle import Event, parsed
from realign_edge.monitoring.model import RunView
from realign_edge.monitoring.story import Story
from realign_edge.monitoring.view import Around, view_of
from realign_edge.runs.run import Run

# Longer than this nothing happened: the run lay still, and the replay goes on with what came next.
_STILL_S = 600.0
_BUDGET_S = 0.025


class Replay:
    """Begins with the first look. speed: how many seconds of the run a second shows."""

    def __init__(self, run: Run, speed: float) -> None:
        if not 0 < speed <= 1e6:
            raise UsageError(f"a run cannot be played {speed:g} times as fast", "name a speed such as 60")
        self._run, self._speed, self._story = run, speed, Story()
        self._events = _timed(run)
        self._next: tuple[float, Event] | None = None
        self._moment = 0.0
        self._looked_at: float | None = None
        self._ended, self._pinned = False, ""
        self._view: RunView | None = None

    def look(self, now: float) -> RunView:
        """The run as it was at the moment that has come; now: seconds since the epoch, of the present."""
        if self._looked_at is None:
            self._next = next(self._events, None)
            self._moment = self._next[0] if self._next else now
        else:
            self._moment += max(now - self._looked_at, 0.0) * self._speed
        self._looked_at = now
        self._play()
        view = view_of(self._story, self._around(), self._moment)
        self._view = replace(view, replay=self._speed, replayed=self._ended)
        return self._view

    def step_sample(self, by: int = 1) -> None:
        """The sample of another photo."""
        if self._view is not None and self._view.sample is not None:
            self._pinned = self._story.samples.beside(self._view.sample, by)

    def _play(self) -> None:
        """Everything that has happened by now; what does not fit into a look waits for the next one."""
        until = time.perf_counter() + _BUDGET_S
        while self._next is not None:
            if self._next[0] - self._moment > _STILL_S:
                self._moment = self._next[0]
            if self._next[0] > self._moment:
                return
            self._story.take(self._next[1])
            self._next = next(self._events, None)
            if time.perf_counter() > until:
                # The clock waits for the reader, not the other way round.
                self._moment = min(self._moment, self._next[0] if self._next else self._moment)
                return
        self._moment = min(self._moment, self._story.newest) if self._story.newest else self._moment
        self._ended = True

    def _around(self) -> Around:
        story, run = self._story, self._run
        saved = story.latest.get("checkpoint", {})
        evaluated = "evaluated" in story.latest
        return Around(
            run.run_id,
            run.about,
            story.state,
            checkpoint_step=whole(saved, "step") if saved else None,
            checkpoint_at=number(saved, "time"),
            decision=read_decision(run.folder / "evaluation.json") if evaluated and self._ended else None,
            pinned=self._pinned,
        )


def _timed(run: Run) -> Iterator[tuple[float, Event]]:
    """Events with their times, read as they are needed."""
    with suppress(OSError), (run.folder / "events.jsonl").open("rb") as file:
        for line in file:
            event = parsed(line)
            moment = number(event, "time") if event is not None else None
            if event is not None and moment is not None:
                yield moment, event
