"""One photo as large as the terminal, and with the arrows those that it was compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from realign_edge.photos.text import clean
from realign_edge.results.model import Inspection
from tui.frame.picture import Picture
from tui.frame.window import Speaking
from tui.inspections.feed import Opened
from tui.inspections.telling import near_caption
from tui.words import Words


@dataclass(frozen=True, slots=True)
class View:
    """A photo and the line below it."""

    path: Path
    title: str


def views_of(words: Words, opened: Opened) -> tuple[View, ...]:
    """The photo, then the nearest past ones; those of which there is a picture."""
    content, found = opened.entry.content, []
    if opened.photo.path is not None:
        kind = words(f"inspections.shown_{opened.photo.kind}")
        found.append(View(opened.photo.path, f"{kind}  {clean(getattr(content, 'name', ''))}"))
    if isinstance(content, Inspection):
        pairs = zip(content.neighbours, opened.near, strict=False)
        found += [View(path, "  ".join(near_caption(words, n, opened.names))) for n, path in pairs if path is not None]
    return tuple(found)


class Enlarged(ModalScreen[object], Speaking):
    """views: at least one."""

    CSS_PATH = Path("enlarged.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "common.key_close", key_display="Esc"),
        Binding("left,h,up,k", "other(-1)", "inspections.key_other_photo", show=False),
        Binding("right,l,down,j,space", "other(1)", "inspections.key_other_photo", key_display="← →"),
    ]

    def __init__(self, views: Sequence[View]) -> None:
        super().__init__()
        self._views, self._number = tuple(views), 0

    def compose(self) -> ComposeResult:
        """Photo, its line, keys."""
        yield Picture(id="large")
        yield Static(id="line", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """The first. A notice on a picture would be cut where its letters and those below it do not meet."""
        self.app.clear_notifications()
        self.action_other(0)

    def action_other(self, by: int) -> None:
        """The next, or the one before."""
        self._number = (self._number + by) % len(self._views)
        view = self._views[self._number]
        self.query_one(Picture).show(view.path, view.title)
        self.query_one("#line", Static).update(f"{self._number + 1}/{len(self._views)}  {view.title}")

    def action_close(self) -> None:
        """Back to the list."""
        self.dismiss(None)
