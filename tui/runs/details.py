"""What is known of the run under the cursor: facts, and its figures where there is room for them."""

from collections.abc import Iterator, Mapping

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from realign_edge.runs.compare import Figure
from tui.frame.cells import fit
from tui.frame.fold import fold
from tui.frame.plain import as_text
from tui.runs.figures import single
from tui.runs.rows import RunRow
from tui.runs.telling import facts, result_look
from tui.words import Words

_LABEL = 10
# Height from which figures are shown below the facts.
_TALL = 18


class RunDetails(VerticalScroll, can_focus=False):
    """`show` changes whose they are."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="details", classes="panel")
        self._words = words
        self._row: RunRow | None = None
        self._bytes: int | None = None
        self._figures: tuple[Figure, ...] = ()

    def compose(self) -> Iterator[Static]:
        """One text."""
        yield Static(id="facts", markup=False)

    def show(self, row: RunRow | None, size: int | None, figures: tuple[Figure, ...]) -> None:
        """size: bytes of its folder, None while they are counted."""
        if row is None or self._row is None or row.run_id != self._row.run_id:
            self.scroll_home(animate=False)
        self._row, self._bytes, self._figures = row, size, figures
        self.border_title = as_text(row.run_id if row else "")
        self._draw()

    def on_resize(self) -> None:
        """Folded anew, once the new size is laid out: a text that grows meanwhile would keep its old height."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        row = self._row
        lines = [] if row is None else list(self._lines(row, width))
        self.query_one("#facts", Static).update(Text("\n").join(lines))

    def _lines(self, row: RunRow, width: int) -> Iterator[Text]:
        looks = _looks(self.app.theme_variables)
        for number, (name, value) in enumerate(facts(self._words, row, self._bytes)):
            style = looks.get(result_look(row), "") if number == 1 else ""
            for place, line in enumerate(fold(Text(value, style), width - _LABEL)):
                yield Text.assemble((fit(name if place == 0 else "", _LABEL), "dim"), line)
        if self._figures and self.size.height >= _TALL:
            yield Text()
            yield from single(self._words, self._figures, width, looks)


def _looks(colours: Mapping[str, str]) -> dict[str, str]:
    return {"dim": "dim", "ok": colours["success"], "attention": colours["warning"], "stopped": colours["error"]}
