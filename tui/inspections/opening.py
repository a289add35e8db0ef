"""The row under the cursor, read in full in a thread and shown beside the list."""

from textual import on, work
from textual.message import Message
from textual.widgets import Static

from realign_edge.errors import RealignError
from realign_edge.photos.text import clean
from realign_edge.results.follow import Row
from realign_edge.station.watching.pulse import WatcherPulse
from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.listing import Listing
from tui.frame.plain import as_text
from tui.frame.window import Window
from tui.inspections.enlarged import Enlarged, views_of
from tui.inspections.evidence import Evidence
from tui.inspections.feed import Feed, Opened, open_row, photo_folders


class Opening(Window):
    """The part of the window that shows one row. It knows the rows of the list, by their numbers, and the watcher."""

    class Shown(Message):
        """One row in full; None where it is gone."""

        def __init__(self, number: int, opened: Opened | None) -> None:
            super().__init__()
            self.number, self.opened = number, opened

    class Failed(Message):
        """Something that did not work, in words."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._feed = Feed(context)
        self._seen: dict[int, Row] = {}
        self._pulse: WatcherPulse | None = None
        self._opened: Opened | None = None
        self._opening = False

    def _current(self) -> Row | None:
        key = self.query_one(Listing).current
        return None if key is None else self._seen.get(int(str(key)))

    @on(Listing.Moved)
    def _moved(self, event: Listing.Moved) -> None:
        if not isinstance(event, Listing.Picked):
            self._show_row()

    def _show_row(self) -> None:
        row = self._current()
        evidence = self.query_one(Evidence)
        person = clean(self.context.options.person)
        evidence.border_subtitle = as_text(self.words("inspections.as_person", person=person))
        known = self._opened if self._opened and row and self._opened.entry.number == row.number else None
        evidence.show(row, known)
        if row is None:
            evidence.query_one("#told", Static).update(self.words("inspections.none_of_these"))
            return
        if known is None or len(known.decisions) == 0 or known.decisions[-1].number != row.said_row:
            self._open_next(row.number)

    def _open_next(self, number: int) -> None:
        """One at a time: over what a fast cursor passes, nothing is read."""
        if not self._opening:
            self._opening = True
            self._open(number)

    @work(thread=True, group="open", exit_on_error=False)
    def _open(self, number: int) -> None:
        opened = None
        try:
            opened = open_row(self.context, number, photo_folders(self.context, self._pulse))
        except (RealignError, OSError) as problem:
            self.post_message(self.Failed(words_of(problem, self.words.language)))
        self.post_message(self.Shown(number, opened))

    @on(Shown)
    def _show_opened(self, message: Shown) -> None:
        """If the cursor is still there; else the row that it is on now."""
        self._opening, row = False, self._current()
        if row is not None and row.number == message.number:
            self._opened = message.opened
            self.query_one(Evidence).show(row, message.opened)
        elif row is not None:
            self._open_next(row.number)

    @on(Failed)
    def _tell_failure(self, message: Failed) -> None:
        self._warn(message.words)

    def _warn(self, words: str) -> None:
        self.notify(words, severity="warning", markup=False, timeout=8)

    def action_scroll(self, by: int) -> None:
        """The text of the row."""
        self.query_one(Evidence).scroll_text(by)

    @on(Listing.Picked)
    def _picked(self) -> None:
        self.action_enlarge()

    def action_enlarge(self) -> None:
        """The photo, and those that it was compared with, one at a time as large as the terminal."""
        if self._opened is not None and (views := views_of(self.words, self._opened)):
            self.app.push_screen(Enlarged(views))
