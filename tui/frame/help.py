"""Every key of a window, and a sentence about the window."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.frame.window import Speaking, Window

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

_SIGNS = {"question_mark": "?", "space": "␣", "enter": "⏎", "escape": "Esc", "left": "←", "right": "→", "up": "↑",
          "down": "↓", "slash": "/", "plus": "+", "minus": "-", "comma": ",", "full_stop": "."}  # fmt: skip


class HelpScreen(ModalScreen[object], Speaking):
    """bindings: as the window below has them, in words; room: whose `about` stands above."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "close", "common.key_close", key_display="Esc")
    ]

    def __init__(self, bindings: "Mapping[str, ActiveBinding]", room: str) -> None:
        super().__init__()
        self._shown, self._room = dict(bindings), room

    def compose(self) -> ComposeResult:
        """What the window is for, then the keys: its own first."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = self.words(f"{self._room}.tab")
            dialog.border_subtitle = self.words("common.close_hint")
            yield Static(self.words(f"{self._room}.about"), markup=False, classes="about")
            yield Static(self._keys())

    def _keys(self) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(justify="right", no_wrap=True)
        table.add_column()
        said: dict[str, list[str]] = {}
        # The window's own keys first, then those of what stands in it, and of every window.
        for active in sorted(self._shown.values(), key=lambda active: not isinstance(active.node, Window)):
            text = active.binding.description
            if text and active.enabled and not active.binding.system:
                said.setdefault(text, []).append(self._sign(active.binding))
        for text, keys in said.items():
            table.add_row(Text(" ".join(dict.fromkeys(keys)), style="bold"), Text(text))
        return table

    def _sign(self, binding: Binding) -> str:
        return binding.key_display or _SIGNS.get(binding.key) or self.app.get_key_display(binding)

    def action_close(self) -> None:
        """Back to the window."""
        self.dismiss()
