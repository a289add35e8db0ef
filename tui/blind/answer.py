"""One of the two answers; a click chooses it."""

from typing import TYPE_CHECKING, Literal

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

if TYPE_CHECKING:
    from textual import events

Side = Literal["left", "right"]


class Answer(Static):
    """side: where it stands; its title says so, and nothing says which model it is of."""

    class Picked(Message):
        """It was clicked."""

        def __init__(self, side: Side) -> None:
            super().__init__()
            self.side = side

    def __init__(self, side: Side, title: str) -> None:
        super().__init__(id=side, markup=False)
        self._side, self.border_title = side, title

    def show(self, text: Content) -> None:
        """Another answer."""
        self.update(text)

    def on_click(self, event: "events.Click") -> None:
        """As its key."""
        event.stop()
        self.post_message(self.Picked(self._side))
