"""What else is to be known, the worst first: in short below the status sentence, whole in a dialog."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from realign_edge.monitoring.model import RunView, Warned
from tui.dashboard.still import Still
from tui.dashboard.telling import clock
from tui.frame.fold import hanging
from tui.frame.window import Speaking
from tui.words import Words

SERIOUS, OTHER = "▲", "△"


def gathered(view: RunView) -> tuple[Warned, ...]:
    """Warnings of the run, then what could not be read of it."""
    return *view.warnings, *(Warned("problem", False, words) for words in view.problems)


def warned_text(warned: Warned, words: Words, now: float, colours: dict[str, str]) -> Text:
    """Sign, words, since when."""
    colour = colours.get("error" if warned.serious else "warning", "")
    text = Text()
    text.append(f"{SERIOUS if warned.serious else OTHER} ", style=f"bold {colour}")
    text.append(warned.words.of(words.language))
    if warned.time is not None:
        text.append(f"  {clock(words, warned.time, now)}", style="dim")
    return text


class Warnings(Still):
    """As many as the screen has room for, and how many more there are. Not there without any."""

    most = 1
    _told: tuple[RunView, Words] | None = None

    def on_resize(self) -> None:
        """For the new width."""
        self._show()

    def tell(self, view: RunView, words: Words) -> None:
        """The warnings of this look."""
        self._told = view, words
        self.display = bool(gathered(view))
        self._show()

    def _show(self) -> None:
        width = self.content_size.width
        if self._told is None or not width:
            return
        view, words = self._told
        found, colours = gathered(view), self.app.theme_variables
        lines = [warned_text(warned, words, view.time, colours) for warned in found[: self.most]]
        more = len(found) - len(lines)
        told = words("dashboard.more", n=more) if more > 0 else ""
        for number, line in enumerate(lines, 1):
            room = width - (cell_len(told) + 2 if number == len(lines) else 0)
            line.truncate(room, overflow="ellipsis", pad=bool(told) and number == len(lines))
        if told and lines:
            lines[-1].append("  " + told, style="bold")
        self.put(Text("\n").join(lines))


class WarningsScreen(ModalScreen[object], Speaking):
    """All of them, whole."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,w,q,enter", "close", "common.key_close", key_display="Esc")
    ]

    def __init__(self, found: Sequence[Warned], now: float) -> None:
        super().__init__()
        self._found, self._now = found, now

    def compose(self) -> ComposeResult:
        """One below the other."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = self.words("dashboard.warnings")
            dialog.border_subtitle = self.words("common.close_hint")
            for _ in self._found:
                yield Static(classes="about", markup=False)

    def on_resize(self) -> None:
        """Folded to the width, once it is known."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        for warned, said in zip(self._found, self.query(".about").results(Static), strict=True):
            text = warned_text(warned, self.words, self._now, self.app.theme_variables)
            said.update(hanging(text, said.content_size.width, 2))

    def action_close(self) -> None:
        """Back to the window."""
        self.dismiss()
