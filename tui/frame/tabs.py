"""The line above every window: the name of the program, the windows, the one that is open marked."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from tui.rooms import ROOMS, RoomName
from tui.words import Words

if TYPE_CHECKING:
    from textual import events


class Tab(Static):
    """One window's title with its key; a click opens it."""

    def __init__(self, room: RoomName, key: str, title: str, is_open: bool) -> None:
        # The open one is told by its brackets as well as by its colour.
        super().__init__(f"[{title}]" if is_open else f"{key} {title}", classes="open" if is_open else "", markup=False)
        self.room = room

    def on_click(self, event: "events.Click") -> None:
        """As its key."""
        event.stop()
        self.app.call_later(self.app.run_action, f"room('{self.room}')")


class Tabs(Horizontal):
    """All of them; `room` is open."""

    def __init__(self, room: RoomName, words: Words) -> None:
        super().__init__()
        self._room, self._words = room, words

    def compose(self) -> ComposeResult:
        """Name, tabs."""
        yield Static("realign-edge", id="product")
        for room in ROOMS:
            yield Tab(room.name, room.key.upper(), self._words(f"{room.name}.tab"), room.name == self._room)
