"""Pair review: both photos, the words of a pair, one key for each decision."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from realign_edge.errors import RealignError
from realign_edge.preferences.review.model import RefusedDecision, Verdict
from realign_edge.preferences.review.session import Item, ReviewSession, Standing
from realign_edge.preferences.review.stock import open_stock
from realign_edge.runs.run import find_run
from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.picture import Picture
from tui.frame.plain import as_text
from tui.frame.window import Window
from tui.review.edit import EditPair
from tui.review.telling import photo_title, progress_bar, progress_line, replaced, retrieved_title
from tui.review.texts import PairTexts

# Sits down before the pairs, or does one thing there; returns what is to be said of it, a name among the words.
Deed = Callable[[ReviewSession], str]


class ReviewWindow(Window):
    """What is shown was stored before it is shown: a key is taken when the pair before it is on the disk.

    While that is under way, further keys are not taken: nobody decides about a pair that was not seen.
    """

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

    class Shown(Message):
        """A pair to look at (None: no more), how far it is, and what became of the last key.

        replaced: identities of photos in whose place another file lies.
        """

        def __init__(
            self, session: ReviewSession, item: Item | None, standing: Standing, replaced: frozenset[str], said: str
        ) -> None:
            super().__init__()
            self.session, self.item, self.standing = session, item, standing
            self.replaced, self.said = replaced, said

    class Failed(Message):
        """What did not work, and what to do; the same pair stays."""

        def __init__(self, words: str, lasting: bool) -> None:
            super().__init__()
            self.words, self.lasting = words, lasting

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._session: ReviewSession | None = None
        self._item: Item | None = None
        self._busy = True

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
        self.query_one("#photos").display = self.query_one("#texts").display = False
        self._sit_down()

    def on_unmount(self) -> None:
        """Nobody sits here any longer; a seat that cannot be given back is free after a while by itself."""
        if self._session is not None:
            try:
                self._session.leave()
            except RealignError:
                return

    # What the keys do

    def action_decide(self, verdict: Verdict) -> None:
        """One decision about the pair that is shown."""
        if (pair_id := self._take()) is not None:
            self._do(lambda session: session.decide(pair_id, verdict) and f"review.told_{verdict}")

    def action_edit(self) -> None:
        """Ask for other texts."""
        item = self._item
        if item is None or self._busy:
            return

        def edited(texts: object) -> None:
            if isinstance(texts, tuple) and (pair_id := self._take()) is not None:
                self._do(lambda session: session.decide(pair_id, "edit", *texts) and "review.told_edit")

        self.app.push_screen(EditPair(item.pair), edited)

    def action_skip(self) -> None:
        """The next pair; this one comes again at the end."""
        if (pair_id := self._take()) is not None:
            self._do(lambda session: session.skip(pair_id) or "review.told_skip")

    def action_undo(self) -> None:
        """Take the last own decision back, also after the last pair."""
        if self._session is not None and not self._busy:
            self._busy = True
            self._do(lambda session: "review.undone" if session.undo() else "review.nothing_to_undo")

    def action_scroll(self, lines: int) -> None:
        """Move the words."""
        self.query_one(PairTexts).scroll_relative(y=lines, animate=False)

    def _take(self) -> str | None:
        """The pair that a key is about; None where no key is taken now."""
        if self._busy or self._item is None:
            return None
        self._busy = True
        return self._item.pair.pair_id

    # Work, away from the screen

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _sit_down(self) -> None:
        try:
            photos = self.context.photos or _photos_of_run(self.context)
            session = ReviewSession(
                open_stock(self.context.home / "catalog.sqlite", photos),
                self.context.options.person,
                self.context.now,
            )
            self._post(session, "")
        except Exception as failure:
            self.post_message(self.Failed(words_of(failure, self.words.language), lasting=True))

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _do(self, deed: Deed) -> None:
        session = self._session
        if session is None:
            return
        try:
            self._post(session, deed(session))
        except RefusedDecision as refused:
            self.post_message(self.Failed(self.words(f"review.refused_{refused.why}"), lasting=False))
        except Exception as failure:
            self.post_message(self.Failed(words_of(failure, self.words.language), lasting=False))

    def _post(self, session: ReviewSession, said: str) -> None:
        item = session.current()
        photos = [p for p in (item.photo, item.retrieved) if p is not None] if item is not None else []
        others = frozenset(p.sha256 for p in photos if replaced(p))
        self.post_message(self.Shown(session, item, session.standing(), others, said))

    # What is on the screen

    @on(Shown)
    def _show(self, message: Shown) -> None:
        self._session, item, self._busy = message.session, message.item, False
        changed = self._item is None or item is None or item.pair != self._item.pair
        self._item = item
        self.query_one("#progress-words", Static).update(progress_line(self.words, message.standing))
        self.query_one("#progress-bar", Static).update(
            progress_bar(message.standing, 20 if self.app.size.width >= 100 else 10)
        )
        self._say(self.words(message.said) if message.said else "")
        self.query_one("#photos").display = self.query_one("#texts").display = item is not None
        if item is None:
            self._tell_end(f"{self.words('review.finished')}\n\n{self.words('review.finished_more')}")
            return
        self._tell_end("")
        self.query_one(PairTexts).show(item)
        if changed:
            self._show_photos(item, message.replaced)

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

    @on(Failed)
    def _fail(self, message: Failed) -> None:
        self._busy = False
        if message.lasting:
            self.query_one("#progress-words", Static).update("")
            self._tell_end(message.words)
        else:
            self._say(message.words.replace("\n", " · "))

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(text)

    def _tell_end(self, text: str) -> None:
        """Words in the middle of the window, where there is no pair."""
        for known in self.query(".empty"):
            known.remove()
        if text:
            self.query_one("#body").mount(Static(text, classes="empty", markup=False), before="#said")


def _photos_of_run(context: Context) -> Path:
    """The folder that a run was made from, where no folder was named."""
    return Path(str(find_run(context.home / "runs", context.run).about.get("photos", "")))
