"""Inspections: what waits for a person first, the photo with its evidence, one key for each decision."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from tui.frame.listing import Listing
from tui.inspections.checking import Checking
from tui.inspections.decisions import Deciding
from tui.inspections.evidence import Evidence
from tui.inspections.following import NARROW
from tui.inspections.reporting import Reporting
from tui.inspections.telling import chain_line, watcher_line

_EVERY_S = 1.0


class InspectionsWindow(Deciding, Checking, Reporting):
    """What is shown lies in the results file; decisions are rows of it as soon as they are told."""

    ROOM = "inspections"
    CSS_PATH = Path("window.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "agree", "inspections.key_agree"),
        Binding("o", "overrule", "inspections.key_overrule"),
        Binding("t", "retake", "inspections.key_retake"),
        Binding("1", "filter('all')", "inspections.key_all", show=False),
        Binding("2", "filter('review')", "inspections.key_review", show=False),
        Binding("3", "filter('fail')", "inspections.key_failed", show=False),
        Binding("4", "filter('pass')", "inspections.key_passed", show=False),
        Binding("d", "days", "inspections.key_days"),
        Binding("r", "report", "inspections.key_report"),
        Binding("v", "verify", "inspections.key_verify"),
        Binding("enter", "enlarge", "inspections.key_enlarge", show=False),
        Binding("u", "undo", "inspections.key_undo", show=False),
        Binding("left,h", "scroll(-3)", "inspections.key_scroll_up", show=False),
        Binding("right,l", "scroll(3)", "inspections.key_scroll_down", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """Watcher and chain; the list; the row under the cursor; or one sentence in the place of both."""
        yield Horizontal(Static(id="watcher", markup=False), Static(id="chain", markup=False), id="state")
        yield Horizontal(Listing(self._line, id="list", classes="panel"), Evidence(self.words), id="both")
        yield Static(self.words("inspections.opening"), id="none", classes="empty", markup=False)

    def on_mount(self) -> None:
        """Look at once, and then every second."""
        self.query_one("#both").display = False
        self.query_one(Listing).focus()
        self.look()
        self.set_interval(_EVERY_S, self.look)

    def on_resize(self) -> None:
        """More room for the photos on a large terminal."""
        for name, yes in (
            ("wide", self.size.width >= NARROW),
            ("wider", self.size.width >= 160),
            ("tall", self.size.height >= 45),
        ):
            self.query_one("#both").set_class(yes, name)
        self._entitle()
        self.call_after_refresh(self.say_state)

    def say_state(self) -> None:
        """The watcher, or what is under way or wrong; beside it whether the rows are whole."""
        chain = self.query_one("#chain", Static)
        text, look = chain_line(self.words, self._checked, self._last, self._checking)
        chain.update(text if self._last else "")
        chain.set_classes(look)
        watcher = self.query_one("#watcher", Static)
        if self._writing:
            text, look = self.words("inspections.report_under_way"), "attention"
        elif self._trouble and self._seen:
            text, look = f"! {self._trouble.splitlines()[0]}", "stopped"
        else:
            text, look = watcher_line(self.words, self._pulse, self.size.width - chain.size.width)
        watcher.update(text)
        watcher.set_classes(look)
