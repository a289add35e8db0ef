"""Dialogs: a question with yes and no, and a line of text that is asked for."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from tui.frame.window import Speaking


class Confirm(ModalScreen[object], Speaking):
    """A question; dismissed with True or False. `y` and `n` answer, Escape is no; no is what Enter takes at first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "common.yes"),
        Binding("n,escape", "answer(False)", "common.no"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, explanation: str = "") -> None:
        super().__init__()
        self._question, self._explanation = question, explanation

    def compose(self) -> ComposeResult:
        """Question, what follows from it, two buttons."""
        with Vertical(classes="dialog small"):
            yield Static(self._question, markup=False, classes="question")
            if self._explanation:
                yield Static(self._explanation, markup=False, classes="about")
            with Horizontal(classes="buttons"):
                yield Button(f"n  {self.words('common.no')}", id="no")
                yield Button(f"y  {self.words('common.yes')}", id="yes")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """By key."""
        self.dismiss(answer)


class AskText(ModalScreen[object], Speaking):
    """One line of text; dismissed with it, or with None by Escape. `needed`: an empty line is not taken."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "common.key_cancel")]

    def __init__(self, question: str, value: str = "", placeholder: str = "", needed: bool = True) -> None:
        super().__init__()
        self._question, self._value, self._placeholder, self._needed = question, value, placeholder, needed

    def compose(self) -> ComposeResult:
        """Question, line, what the keys do."""
        with Vertical(classes="dialog small"):
            yield Static(self._question, markup=False, classes="question")
            yield Input(self._value, placeholder=self._placeholder)
            yield Static(self.words("common.text_hint"), markup=False, classes="about")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text or not self._needed:
            self.dismiss(text)

    def action_cancel(self) -> None:
        """Nothing was said."""
        self.dismiss(None)
