"""The photo beside the past photos that it was compared with, and below them the row in full."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.text import Text
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from realign_edge.photos.text import clean
from realign_edge.results.follow import Row
from realign_edge.results.model import Inspection
from tui.frame.cells import fit, tail
from tui.frame.fold import fold
from tui.frame.picture import Picture
from tui.frame.plain import as_text
from tui.inspections.feed import Opened
from tui.inspections.telling import LOOKS, SIGNS, details, near_caption
from tui.words import Words

_LABEL = 9
# Past photos beside the photo, by the width that is there.
_NEAR = ((130, 3), (72, 2), (0, 1))


class Card(Vertical):
    """A picture with two lines below it."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, classes="card")
        self._shown: tuple[Path | None, str] | None = None
        self._told: tuple[str, ...] = ()

    def compose(self) -> Iterator[Widget]:
        """Picture, words."""
        yield Picture(classes="photo")
        yield Static(classes="caption", markup=False)

    def show(self, path: Path | None, title: str, lines: list[str], missing: str) -> None:
        """missing: what is said where there is no picture."""
        # Asked again for the same photo, it would only flicker.
        if self._shown != (path, title):
            self._shown = (path, title)
            self.query_one(Picture).show(path, title if path else "")
        self._told = tuple(lines[:2]) if path else (*lines[:1], missing)
        self._say()

    def on_resize(self) -> None:
        """Cut anew."""
        self._say()

    def _say(self) -> None:
        width = max(self.size.width - 2, 8)
        lines = [fit(tail(text, width) if "/" in text else text, width) for text in self._told]
        self.query_one(".caption", Static).update("\n".join(lines))


class Evidence(Vertical):
    """`show` changes the row."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="evidence", classes="panel")
        self._words = words
        self._opened: Opened | None = None
        self._row: Row | None = None

    def compose(self) -> Iterator[Widget]:
        """Cards, text."""
        yield Horizontal(Card("own"), *(Card(f"near-{n}") for n in range(3)), id="cards")
        with VerticalScroll(id="scroll", can_focus=False):
            yield Static(id="told", markup=False)

    def show(self, row: Row | None, opened: Opened | None) -> None:
        """opened is None while it is read."""
        if self._row is None or row is None or row.number != self._row.number:
            self.query_one("#scroll").scroll_home(animate=False)
        self._row, self._opened = row, opened
        self.query_one("#cards").display = row is not None
        if row is None:
            self.border_title = ""
            self.query_one("#told", Static).update("")
            return
        self._entitle()
        if opened is not None:
            self._draw()

    def _entitle(self) -> None:
        if (row := self._row) is not None:
            name = tail(clean(row.name), max(self.size.width - 24, 12))
            self.border_title = as_text(f"{SIGNS[row.final]} {row.final}  {name}")

    def scroll_text(self, by: int) -> None:
        """By lines."""
        self.query_one("#scroll").scroll_relative(y=by, animate=False)

    def on_resize(self) -> None:
        """As many past photos as there is room for, and the text folded anew."""
        beside = next(n for least, n in _NEAR if self.size.width >= least)
        for number in range(3):
            self.query_one(f"#near-{number}").display = number < beside
        self._entitle()
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        opened, width = self._opened, self.query_one("#scroll").scrollable_content_region.width
        if opened is None or self._row is None or not width:
            return
        self._cards(opened)
        looks = _looks(self.app.theme_variables)
        lines = list(_folded(self._words, self._row, opened, width, looks))
        self.query_one("#told", Static).update(Text("\n").join(lines))

    def _cards(self, opened: Opened) -> None:
        words, content = self._words, opened.entry.content
        name = clean(getattr(content, "name", ""))
        kind = words(f"inspections.shown_{opened.photo.kind}")
        self.query_one("#own", Card).show(opened.photo.path, name, [kind, name], words("inspections.no_picture"))
        near = content.neighbours if isinstance(content, Inspection) else ()
        for number in range(3):
            card = self.query_one(f"#near-{number}", Card)
            card.set_class(number >= len(near), "gone")
            if number < len(near):
                path = opened.near[number] if number < len(opened.near) else None
                title = clean(near[number].name)
                caption = near_caption(words, near[number], opened.names)
                card.show(path, title, caption, words("inspections.no_thumbnail"))


def _folded(words: Words, row: Row, opened: Opened, width: int, looks: Mapping[str, str]) -> Iterator[Text]:
    head = Text.assemble((f"{SIGNS[row.final]} {row.final}", looks[LOOKS[row.final]]), "  ",
                         words(f"inspections.means_{row.final.lower()}"))  # fmt: skip
    yield from fold(head, width)
    for label, text, look in details(words, opened):
        for number, line in enumerate(fold(Text(text, looks.get(look, "")), width - _LABEL)):
            yield Text.assemble((fit(label if number == 0 else "", _LABEL), "dim"), line)


def _looks(colours: Mapping[str, str]) -> dict[str, str]:
    return {"": "", "dim": "dim", "strong": "bold", "ok": f"bold {colours['success']}",
            "attention": colours["warning"], "stopped": f"bold {colours['error']}",
            "accent": f"bold {colours['accent']}"}  # fmt: skip
