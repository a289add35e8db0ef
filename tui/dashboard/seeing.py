"""The dashboard's looks at the run: one at a time, twice a second; each part of the window shows its own share."""

from collections.abc import Callable
from typing import Protocol

from textual import on, work
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from realign_edge.errors import RealignError
from realign_edge.monitoring.model import Looking, RunView
from tui.context import Context
from tui.dashboard.curves import Curves
from tui.dashboard.machine import MachinePanel
from tui.dashboard.news import NewsLog
from tui.dashboard.panes import Panes
from tui.dashboard.sample import Sample
from tui.dashboard.source import Move, Player, open_looking
from tui.dashboard.stages import Stages
from tui.dashboard.status import ReplayLine, StatusLine
from tui.dashboard.warnings import Warnings, gathered
from tui.frame.failure import reason_of
from tui.words import Words


class Part(Protocol):
    """A widget that shows its share of a look."""

    def tell(self, view: RunView, words: Words) -> None:
        """Show it."""
        ...


class Seeing(Panes):
    """The part of the dashboard that looks. opener: gives what looks at the run that the context names."""

    class Looked(Message):
        """A look is over."""

        def __init__(self, view: RunView) -> None:
            super().__init__()
            self.view = view

    class NoRun(Message):
        """There is nothing to look at."""

        def __init__(self, problem: Exception) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self, context: Context, opener: Callable[[Context], Looking] = open_looking) -> None:
        super().__init__(context)
        self._opener = opener
        # Only the worker touches it, and one worker at a time is at work.
        self._source: Looking | None = None
        self.busy = False
        self._steps = 0
        self._moves: list[Move] = []

    def look_soon(self) -> None:
        """Look, unless a look is under way."""
        if not self.busy:
            self.busy, steps, moves = True, self._steps, tuple(self._moves)
            self._steps = 0
            self._moves.clear()
            self._look(steps, moves)

    @work(thread=True, exclusive=True, exit_on_error=False, group="look")
    def _look(self, steps: int, moves: tuple[Move, ...]) -> None:
        try:
            if self._source is None:
                self._source = self._opener(self.context)
            if steps:
                self._source.step_sample(steps)
            for move in moves:
                if isinstance(self._source, Player):
                    self._source.move(move)
            self.post_message(self.Looked(self._source.look(self.context.now())))
        except (RealignError, OSError) as problem:
            self.post_message(self.NoRun(problem))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A look that broke off is told, and tried again."""
        if event.worker.group == "look" and event.state is WorkerState.ERROR:
            self.busy = False
            self._tell_empty(self.words("dashboard.broken", problem=repr(event.worker.error)))

    @on(NoRun)
    def _tell_no_run(self, message: NoRun) -> None:
        """What to do, until there is one."""
        self.busy = False
        self._source = None
        named = self.context.run != "latest"
        text = self.words("dashboard.no_such_run", run=self.context.run) if named else self.words("dashboard.no_run")
        if isinstance(message.problem, OSError):
            text = self.words("dashboard.unreadable", problem=reason_of(message.problem, self.words.language))
        self._tell_empty(text)

    def _tell_empty(self, text: str) -> None:
        self.query_one("#empty", Static).update(text)
        self.query_one("#dash").add_class("empty-handed")
        self.view = None
        self.refresh_bindings()

    @on(Looked)
    def _show_look(self, message: Looked) -> None:
        """Every part shows its own; those that have not changed draw nothing."""
        self.busy = False
        before, view = self.view, message.view
        self.view = view
        self.query_one("#dash").remove_class("empty-handed")
        self.tell_parts()
        self.query_one("#facts").set_class(bool(view.machine and view.machine.gpus), "gpus")
        if before is None or _keys_of(before) != _keys_of(view):
            self.refresh_bindings()
        if self._steps or self._moves:
            self.look_soon()

    def tell_parts(self) -> None:
        """The last look, in the words and colours of now."""
        if self.view is not None:
            for part in self._parts():
                part.tell(self.view, self.words)

    def _parts(self) -> "tuple[Part, ...]":
        above = self.query_one(ReplayLine), self.query_one(StatusLine), self.query_one(Warnings)
        facts = self.query_one(Stages), self.query_one(MachinePanel)
        return *above, *facts, self.query_one(Curves), self.query_one(Sample), self.query_one(NewsLog)

    def action_sample(self, by: int) -> None:
        """Another photo."""
        self._steps += by
        self.look_soon()

    def action_play(self, move: Move) -> None:
        """Change how the past is shown."""
        self._moves.append(move)
        self.look_soon()


def _keys_of(view: RunView) -> tuple[object, ...]:
    """What decides which keys can do something."""
    return (
        view.state,
        view.replay,
        view.condition.asked,
        view.sample and view.sample.count,
        bool(gathered(view)),
        bool(view.log),
    )
