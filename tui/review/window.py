"""Pair review: both photos, the words of a pair, one key for each decision."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from realign_edge.errors import RealignError
from realign_edge.preferences.review.model import RefusedDecision, Verdict
from realign_edge.preferences.review.session import Item, ReviewSession
from tui.context import Context
from tui.frame.picture import Picture
from tui.frame.plain import as_text
from tui.frame.sitting import Sitting
from tui.review.edit import EditPair
from tui.review.seat import Look, look, session_of
from tui.review.telling import photo_title, progress_bar, progress_line, retrieved_title
from tui.review.texts import PairTexts


class ReviewWindow(Sitting[ReviewSession, Look]):
    """What is shown was stored before it is shown."""

    ROOM = "review"
    CSS_PATH = Path("window.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('accept')", "review.key_accept"),
        Binding("s", "decide('swap')", "review.key_swap"),
        Binding("e", "edit", "review.key_edit"),
        Binding("f", "decide('also_fits')", "review.key_also_fits"),
        Binding("d", "decide('discard')", "review.key_discard"),
        Binding("n,space", "skip", "review.key_skip", key_display="n"),
        Binding("u", "undo", "review.key_undo"),
        Binding("up,k", "scroll(-1)", "review.key_scroll_up", show=False),
        Binding("down,j", "scroll(1)", "review.key_scroll_down", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """Progress, photos, words, what became of the last key."""
        yield Horizontal(Static(self.words("review.opening"), id="progress-words", markup=False),
                         Static(id="progress-bar", markup=False), id="progress")  # fmt: skip
        yield Horizontal(Picture(id="own"), Picture(id="retrieved"), id="photos")
        yield PairTexts(self.words)
        yield Static(id="said", markup=False)

    def on_mount(self) -> None:
        """Read the pairs; nothing is there to show before."""
        self.add_class(self.words.language)
        self._show_parts(False)
        self.sit_down()

    def on_unmount(self) -> None:
        """Nobody sits here any longer; a seat that cannot be given back is free after a while by itself."""
        if self.session is not None:
            try:
                self.session.leave()
            except RealignError:
                return

    def session_of(self, context: Context) -> ReviewSession:
        """Before the pairs of the folder or the run that the context names."""
        return session_of(context)

    def look(self, session: ReviewSession) -> Look:
        """The next pair."""
        return look(session)

    def about(self, seen: Look) -> str | None:
        """The pair."""
        return None if seen.item is None else seen.item.pair.pair_id

    def why(self, failure: Exception) -> str:
        """A decision that is refused is told in the window's own words."""
        if isinstance(failure, RefusedDecision):
            return self.words(f"review.refused_{failure.why}")
        return super().why(failure)

    def action_decide(self, verdict: Verdict) -> None:
        """One decision about the pair that is shown."""
        self.decide(lambda session, pair: session.decide(pair, verdict), f"review.told_{verdict}")

    def action_edit(self) -> None:
        """Ask for other texts."""
        if self.item is None or self.seen is None or self.seen.item is None:
            return

        def edited(texts: object) -> None:
            if isinstance(texts, tuple):
                self.decide(lambda session, pair: session.decide(pair, "edit", *texts), "review.told_edit")

        self.app.push_screen(EditPair(self.seen.item.pair), edited)

    def action_scroll(self, lines: int) -> None:
        """Move the words."""
        self.query_one(PairTexts).scroll_relative(y=lines, animate=False)

    def show(self, seen: Look, before: Look | None) -> None:
        """The pair, or that there is none; a photo that stays is not drawn anew."""
        item, known = seen.item, before.item if before is not None else None
        self.query_one("#progress-words", Static).update(progress_line(self.words, seen.standing))
        wide = self.app.size.width >= 100
        self.query_one("#progress-bar", Static).update(progress_bar(seen.standing, 20 if wide else 10))
        self._show_parts(item is not None)
        done = f"{self.words('review.finished')}\n\n{self.words('review.finished_more')}"
        self._say_in_the_middle("" if item is not None else done)
        if item is None:
            return
        self.query_one(PairTexts).show(item)
        if known is None or item.pair != known.pair:
            self._show_photos(item, seen.replaced)

    def _show_photos(self, item: Item, others: frozenset[str]) -> None:
        own, other = self.query_one("#own", Picture), self.query_one("#retrieved", Picture)
        found = item.retrieved
        own.border_title = as_text(photo_title(self.words, item.photo.path.name))
        other.border_title = as_text(retrieved_title(self.words, item, found.path.name if found else ""))
        warning = self.words("review.replaced")
        own.border_subtitle = warning if item.photo.sha256 in others else ""
        other.border_subtitle = warning if found and found.sha256 in others else ""
        own.show(item.photo.path, item.photo.name)
        other.show(found.path if found else None, found.name if found else "")

    def _show_parts(self, shown: bool) -> None:
        self.query_one("#photos").display = self.query_one("#texts").display = shown

    def tell_end(self, text: str) -> None:
        """Nobody could sit down."""
        self.query_one("#progress-words", Static).update("")
        self._say_in_the_middle(text)

    def _say_in_the_middle(self, text: str) -> None:
        for known in self.query(".empty"):
            known.remove()
        if text:
            self.query_one("#body").mount(Static(text, classes="empty", markup=False), before="#said")
