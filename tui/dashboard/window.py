"""The dashboard of a run, live or finished. It looks twice a second; all that it asks for is a file in the run."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget
from textual.widgets import Static

from tui.dashboard.curves import Curves
from tui.dashboard.machine import MachinePanel
from tui.dashboard.news import NewsLog
from tui.dashboard.sample import Sample
from tui.dashboard.seeing import Seeing
from tui.dashboard.stages import Stages
from tui.dashboard.status import ReplayLine, StatusLine
from tui.dashboard.warnings import Warnings, WarningsScreen, gathered

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

EVERY_S = 0.5


class DashboardWindow(Seeing):
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
        self.app.theme_changed_signal.subscribe(self, lambda _: self.tell_parts())

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
