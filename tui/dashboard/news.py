"""What happened, newest last; or what the run's process printed."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from realign_edge.monitoring.model import RunView
from tui.dashboard.telling import moment
from tui.frame.fold import fold
from tui.words import Words

_INDENT = 10
_MOST_KEPT = 2000


class NewsLog(VerticalScroll):
    """Keeps at its end as long as nobody scrolled away from it."""

    printed = False
    _told: tuple[RunView, Words] | None = None
    _shown: tuple[object, ...] = ()

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._wrapped: dict[tuple[str, int], list[Text]] = {}

    def compose(self) -> ComposeResult:
        """The lines."""
        yield Static(markup=False)

    def on_resize(self) -> None:
        """Lines of the new width."""
        self._show()

    def tell(self, view: RunView, words: Words) -> None:
        """The lines of this look."""
        self._told = view, words
        self._show()

    def _show(self) -> None:
        width = self.content_size.width - self.styles.scrollbar_size_vertical
        if self._told is None or width <= _INDENT:
            return
        view, words = self._told
        printed = self.printed and bool(view.log)
        shown = (view.log if printed else view.news, words.language, width)
        if shown == self._shown:
            return
        self._shown = shown
        at_end = self.scroll_offset.y >= self.max_scroll_y - 1
        text = Text("\n".join(view.log)) if printed else self._news(view, words, width)
        self.query_one(Static).update(text if text.plain else Text(words("dashboard.no_news_yet"), style="dim"))
        if at_end:
            self.call_after_refresh(self.scroll_end, animate=False)

    def _news(self, view: RunView, words: Words, width: int) -> Text:
        """A line each behind its time of day; what is longer goes on below its first word."""
        lines: list[Text] = []
        for news in view.news:
            said = self._lines(news.words.of(words.language), width - _INDENT)
            lines.append(Text.assemble((f"{moment(news.time):<{_INDENT}}", "dim"), said[0]))
            lines += [Text(" " * _INDENT).append_text(line) for line in said[1:]]
        return Text("\n").join(lines)

    def _lines(self, said: str, width: int) -> list[Text]:
        if len(self._wrapped) > _MOST_KEPT:
            self._wrapped.clear()
        known = self._wrapped.get((said, width))
        if known is None:
            known = fold(Text(said), width)
            self._wrapped[said, width] = known
        return known
