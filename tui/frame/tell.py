"""A dialog that says something and is closed: where a file lies, what a check found."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.frame.window import Speaking


class Tell(ModalScreen[object], Speaking):
    """title, and text of as many lines as it takes; `c` copies `value`, where there is one, to the clipboard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "common.key_close", key_display="Esc"),
        Binding("c", "copy", "common.key_copy"),
    ]

    def __init__(self, title: str, text: str, value: str = "") -> None:
        super().__init__()
        self._title, self._text, self._value = title, text, value

    def compose(self) -> ComposeResult:
        """Title, text, what the keys do."""
        with Vertical(classes="dialog told"):
            yield Static(self._title, markup=False, classes="question")
            with VerticalScroll(classes="text"):
                yield Static(self._text, markup=False, classes="about")
            with Horizontal(classes="buttons"):
                if self._value:
                    yield Button(f"c  {self.words('common.key_copy')}", id="copy")
                yield Button(f"Esc  {self.words('common.key_close')}", id="close")

    def on_mount(self) -> None:
        """Enter closes."""
        self.query_one("#close").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.action_close()

    def action_close(self) -> None:
        """It was read."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """To the terminal's clipboard, where it has one."""
        if self._value:
            self.app.copy_to_clipboard(self._value)
            self.notify(self.words("common.copied"))
