"""The dashboard of a run, live or finished. It looks twice a second; all that it asks for is a file in the run."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.message import Message
from textual.widget import Widget
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
from tui.dashboard.warnings import Warnings, WarningsScreen, gathered
from tui.frame.failure import reason_of
from tui.words import Words

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

EVERY_S = 0.5


class Part(Protocol):
    """A widget that shows its share of a look."""

    def tell(self, view: RunView, words: Words) -> None:
        """Show it."""
        ...


class DashboardWindow(Panes):
    """Shows what `opener` gives: the run that the context names, as it is or as it was."""

    ROOM = "dashboard"
    CSS_PATH = Path("dashboard.tcss")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "app.quit", "dashboard.key_detach"),
        Binding("p", "pause", "dashboard.key_pause"),
        Binding("s", "stop", "dashboard.key_stop"),
        Binding("n", "sample(1)", "dashboard.key_sample"),
        Binding("N", "sample(-1)", "dashboard.key_sample_back", show=False),
        Binding("w", "warnings", "dashboard.key_warnings"),
        Binding("1", "pane('curves')", "dashboard.key_curves", show=False),
        Binding("2", "pane('sample')", "dashboard.key_pane_sample", show=False),
        Binding("3", "pane('news')", "dashboard.key_news", show=False),
        Binding("l", "printed", "dashboard.key_printed", show=False),
        Binding("plus,equals_sign", "play('faster')", "dashboard.key_faster", key_display="+", show=False),
        Binding("minus", "play('slower')", "dashboard.key_slower", key_display="-", show=False),
        Binding("space", "play('hold')", "dashboard.key_hold", show=False),
        Binding("home", "play('start')", "dashboard.key_start", show=False),
        Binding("end", "play('end')", "dashboard.key_end", show=False),
        Binding("q,ctrl+q", "app.quit", "common.key_quit", show=False, key_display="q"),
    ]

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

    def body(self) -> Iterable[Widget]:
        """The sentence, the facts, three panes; or one sentence where there is no run."""
        with Container(id="dash"):
            yield ReplayLine(markup=False)
            yield StatusLine("…", markup=False)
            yield Warnings(markup=False)
            with Horizontal(id="facts"):
                yield Stages(classes="panel", markup=False)
                yield MachinePanel(classes="panel", markup=False)
            with Container(id="panes"):
                yield Curves(classes="panel", id="curves")
                yield Sample(classes="panel", id="sample")
                yield NewsLog(classes="panel", id="news")
            yield Static(id="empty", classes="empty", markup=False)

    def on_mount(self) -> None:
        """The first look, then one twice a second."""
        self.query_one(ReplayLine).display = self.query_one(Warnings).display = False
        self._arrange()
        self.look_soon()
        self.set_interval(EVERY_S, self.look_soon)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._tell())

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

    def on_dashboard_window_no_run(self, message: NoRun) -> None:
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

    def on_dashboard_window_looked(self, message: Looked) -> None:
        """Every part shows its own; those that have not changed draw nothing."""
        self.busy = False
        before, view = self.view, message.view
        self.view = view
        self.query_one("#dash").remove_class("empty-handed")
        self._tell()
        self.query_one("#facts").set_class(bool(view.machine and view.machine.gpus), "gpus")
        if before is None or _keys_of(before) != _keys_of(view):
            self.refresh_bindings()
        if self._steps or self._moves:
            self.look_soon()

    def _tell(self) -> None:
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

    def action_warnings(self) -> None:
        """All warnings, whole."""
        if self.view is not None:
            self.app.push_screen(WarningsScreen(gathered(self.view), self.view.time))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Keys that can do nothing now are shown dim."""
        view = self.view
        if action == "play":
            return view is not None and view.replay is not None
        possible = {
            "pause": self.live,
            "stop": self.live,
            "sample": view is not None and view.sample is not None and view.sample.count > 1,
            "warnings": view is not None and bool(gathered(view)),
            "printed": view is not None and bool(view.log),
        }
        return True if possible.get(action, True) else None

    @property
    def active_bindings(self) -> "dict[str, ActiveBinding]":
        """What pauses a run lets a paused one go on."""
        found = super().active_bindings
        if self.paused and "p" in found:
            words = self.words("dashboard.key_go_on")
            found["p"] = found["p"]._replace(binding=replace(found["p"].binding, description=words))
        return found


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
