"""The dialog in which a report is ordered: which forms, and where to."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from realign_edge.errors import UsageError
from realign_edge.reports.write import formats_of
from tui.frame.failure import words_of
from tui.frame.window import Speaking
from tui.inspections.asking import Field


@dataclass(frozen=True, slots=True)
class Order:
    """forms: `html,pdf`; folder: where to; all_days: not today's alone."""

    forms: str
    folder: str
    all_days: bool


class AskReport(ModalScreen[object], Speaking):
    """Which forms, and where to; dismissed with an `Order`, or None by Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "common.key_cancel")]

    def __init__(self, folder: Path, all_days: bool) -> None:
        super().__init__()
        self._folder, self._all_days = folder, all_days

    def compose(self) -> ComposeResult:
        """What it will hold, two lines, what the keys do."""
        words = self.words
        about = words("inspections.report_all" if self._all_days else "inspections.report_today")
        with Vertical(classes="dialog tell"):
            yield Static(words("inspections.report"), markup=False, classes="question")
            yield Static(about, markup=False, classes="about")
            for name, value in (("forms", "html,pdf"), ("folder", str(self._folder))):
                with Horizontal(classes="field"):
                    yield Label(words(f"inspections.field_{name}"), markup=False)
                    yield Field(value, words(f"inspections.hint_{name}"), id=name, compact=True)
            yield Static(id="missing", classes="attention", markup=False)
            yield Static(words("inspections.tell_hint"), markup=False, classes="dim")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        forms, folder = (self.query_one(f"#{name}", Input).value.strip() for name in ("forms", "folder"))
        try:
            formats_of(forms)
            if not folder:
                raise UsageError(self.words("inspections.missing", names=self.words("inspections.field_folder")))
        except UsageError as problem:
            self.query_one("#missing", Static).update(words_of(problem, self.words.language).replace("\n", " · "))
            return
        self.dismiss(Order(forms, folder, self._all_days))

    def action_cancel(self) -> None:
        """No report."""
        self.dismiss(None)
