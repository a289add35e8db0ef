"""The words of a pair: question, both answers with what differs marked, and why to look at it."""

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from realign_edge.preferences.review.difference import marked
from realign_edge.preferences.review.session import Item
from tui.frame.marked import marked_content
from tui.frame.plain import as_text
from tui.review.telling import reason_lines, similarity_line
from tui.words import Words

_PARTS = ("question", "chosen", "rejected", "reasons")


class PairTexts(VerticalScroll, can_focus=False):
    """Scrolls where the texts are longer than its room, by the window's keys and the mouse."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="texts", classes="panel")
        self._words = words

    def compose(self) -> ComposeResult:
        """A label and a text each."""
        for name in _PARTS:
            with Horizontal(classes="part"):
                yield Static(self._words(f"review.{name}"), classes=f"label {name}", markup=False)
                yield Static(id=name, classes="text", markup=False)

    def show(self, item: Item) -> None:
        """Another pair, from its first line."""
        chosen, rejected = marked(item.pair.chosen, item.pair.rejected)
        self._set("question", Content(item.pair.prompt))
        self._set("chosen", marked_content(chosen, "$success"))
        self._set("rejected", marked_content(rejected, "$error"))
        self._set("reasons", Content("\n".join(reason_lines(self._words, item))))
        self.border_subtitle = as_text(similarity_line(self._words, item))
        self.scroll_home(animate=False)

    def _set(self, name: str, text: Content) -> None:
        self.query_one(f"#{name}", Static).update(text)
