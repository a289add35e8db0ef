"""The dialog in which the answers of a pair are edited."""

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static, TextArea

from realign_edge.preferences.model import PreferencePair
from tui.frame.window import Speaking


class EditPair(ModalScreen[object], Speaking):
    """Dismissed with (chosen, rejected), or with None by Escape. A line break becomes a space: notes are one line."""

    CSS_PATH = Path("edit.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "take", "review.key_take", priority=True),
        Binding("escape", "cancel", "common.key_cancel", priority=True),
    ]

    def __init__(self, pair: PreferencePair) -> None:
        super().__init__()
        self._pair = pair

    def compose(self) -> ComposeResult:
        """Both answers, two buttons, what the keys do."""
        words = self.words
        with Vertical(classes="dialog edit") as dialog:
            dialog.border_title = words("review.edit_title")
            dialog.border_subtitle = words("review.edit_hint")
            yield Static(self._pair.prompt, classes="about", markup=False)
            for name, text in (("chosen", self._pair.chosen), ("rejected", self._pair.rejected)):
                yield Static(words(f"review.{name}"), classes=f"label {name}", markup=False)
                area = TextArea(text, id=f"edit-{name}", soft_wrap=True, tab_behavior="focus")
                area.cursor_location = area.document.end
                area.cursor_blink = False
                yield area
            with Horizontal(classes="buttons"):
                yield Button(words("common.key_cancel"), id="cancel")
                yield Button(words("review.key_take"), id="take", variant="primary")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "take":
            self.action_take()
        else:
            self.action_cancel()

    def action_take(self) -> None:
        """Take both texts over."""
        self.dismiss(tuple(self.query_one(f"#edit-{name}", TextArea).text for name in ("chosen", "rejected")))

    def action_cancel(self) -> None:
        """Nothing is changed."""
        self.dismiss(None)
