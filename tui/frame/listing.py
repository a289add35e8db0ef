"""A list of lines with a cursor, as long as it likes: only the lines that are seen are made."""

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

# A line as pieces: text, and how it looks: "", ok, attention, stopped, dim, strong, accent.
Pieces = Sequence[tuple[str, str]]


class Listing(ScrollView, can_focus=True, inherit_bindings=False):
    """keys: one for each line; `line(key, width)` makes it. The cursor stays on its key when lines come and go."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "listing--ok", "listing--attention", "listing--stopped", "listing--dim", "listing--strong", "listing--accent",
        "listing--cursor",
    }  # fmt: skip
    DEFAULT_CSS = """
    Listing { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    Listing .listing--ok { color: $success; }
    Listing .listing--attention { color: $warning; }
    Listing .listing--stopped { color: $error; }
    Listing .listing--dim { text-style: dim; }
    Listing .listing--strong { text-style: bold; }
    Listing .listing--accent { color: $accent; text-style: bold; }
    Listing .listing--cursor { background: $primary 18%; text-style: bold; }
    Listing:focus .listing--cursor { background: $primary 32%; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "common.key_up", show=False),
        Binding("down,j", "step(1)", "common.key_down", show=False),
        Binding("pageup", "page(-1)", "common.key_page_up", show=False),
        Binding("pagedown", "page(1)", "common.key_page_down", show=False),
        Binding("home", "end(False)", "common.key_first", show=False),
        Binding("end", "end(True)", "common.key_last", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another line."""

        def __init__(self, listing: "Listing", key: Hashable) -> None:
            super().__init__()
            self.listing, self.key = listing, key

        @property
        def control(self) -> "Listing":
            """Whose cursor it is."""
            return self.listing

    class Picked(Moved):
        """A click on the line of the cursor; keys for it are the window's own."""

    def __init__(self, line: Callable[[Hashable, int], Pieces], id: str | None = None, classes: str | None = None):
        super().__init__(id=id, classes=classes)
        self._line = line
        self._keys: tuple[Hashable, ...] = ()
        self._cursor = 0

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """From above to below."""
        return self._keys

    @property
    def current(self) -> Hashable | None:
        """The key under the cursor; None where there are no lines."""
        return self._keys[self._cursor] if self._keys else None

    @property
    def beside(self) -> Hashable | None:
        """The key below the cursor's, above it at the end; None where there is no other."""
        if len(self._keys) < 2:
            return None
        return self._keys[self._cursor + 1 if self._cursor + 1 < len(self._keys) else self._cursor - 1]

    def show(self, keys: Sequence[Hashable], current: Hashable | None = None) -> None:
        """Show these lines; the cursor goes to `current`, else it stays on its key, else at its height."""
        before = self.current
        wanted = before if current is None else current
        self._keys = tuple(keys)
        found = self._keys.index(wanted) if wanted in self._keys else min(self._cursor, len(self._keys) - 1)
        self._cursor = max(found, 0)
        self.virtual_size = Size(self._width, len(self._keys))
        self._keep_in_sight()
        self.refresh()
        if self.current is not None and self.current != before:
            self.post_message(self.Moved(self, self.current))

    def go(self, index: int) -> None:
        """The cursor to a line."""
        index = max(0, min(index, len(self._keys) - 1))
        if self._keys and index != self._cursor:
            self._cursor = index
            self._keep_in_sight()
            self.refresh()
            self.post_message(self.Moved(self, self._keys[index]))

    def render_line(self, y: int) -> Strip:
        """One line of what is seen."""
        width, number = self._width, y + self.scroll_offset.y
        base = self.rich_style
        if number >= len(self._keys):
            return Strip.blank(width, base)
        under = base
        if number == self._cursor:
            under = base + self.get_component_rich_style("listing--cursor")
        pieces = [Segment(text, self._look(kind, under)) for text, kind in self._line(self._keys[number], width)]
        return Strip(pieces).adjust_cell_length(width, under).crop(0, width)

    def _look(self, kind: str, under: Style) -> Style:
        return under + self.get_component_rich_style(f"listing--{kind}", partial=True) if kind else under

    @property
    def _width(self) -> int:
        return max(self.scrollable_content_region.width, 1)

    def _keep_in_sight(self) -> None:
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True)

    def on_resize(self) -> None:
        """As many lines as there are, as wide as it is."""
        self.virtual_size = Size(self._width, len(self._keys))
        self._keep_in_sight()

    def on_click(self, event: events.Click) -> None:
        """The line under the mouse; the one that is already under the cursor is picked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        number = offset.y + self.scroll_offset.y
        if number >= len(self._keys):
            return
        if number == self._cursor:
            self.post_message(self.Picked(self, self._keys[number]))
        self.go(number)

    def action_step(self, by: int) -> None:
        """A line up or down."""
        self.go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """A screenful up or down."""
        self.go(self._cursor + by * max(self.size.height - 1, 1))

    def action_end(self, last: bool) -> None:
        """The first line, or the last."""
        self.go(len(self._keys) - 1 if last else 0)
