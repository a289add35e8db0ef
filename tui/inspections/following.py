"""The list: verdicts as they come, arranged by what waits, cut to the days and verdicts that are asked for."""

from collections.abc import Hashable
from datetime import datetime

from textual import on, work
from textual.message import Message
from textual.widgets import Static

from realign_edge.results.follow import Row
from realign_edge.station.watching.pulse import WatcherPulse
from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.listing import Listing, Pieces
from tui.inspections.opening import Opening
from tui.inspections.telling import FILTERS, arranged, row_line

# Below this many columns the counts of the title are signs.
NARROW = 110


class Following(Opening):
    """The part of the window that looks at the results file. `look` asks for a look; what it finds is shown."""

    class News(Message):
        """What one look found; found is None where nothing is new, trouble is "" where all is well."""

        def __init__(self, found: tuple[tuple[Row, ...], int, bool] | None, pulse: WatcherPulse | None, trouble: str):
            super().__init__()
            self.found, self.pulse, self.trouble = found, pulse, trouble

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._last, self._cut = 0, False
        self._trouble = ""
        self._filter, self._all_days = "all", False
        self._looking = False
        # The row that the cursor goes to when a decision has moved its own away.
        self._go_on: Hashable | None = None

    def say_state(self) -> None:
        """The line above the list, anew."""
        raise NotImplementedError

    def look(self) -> None:
        """Soon, unless a look is under way."""
        if not self._looking:
            self._looking = True
            self._read(self._all_days)

    @work(thread=True, group="look", exit_on_error=False)
    def _read(self, all_days: bool) -> None:
        found, pulse, trouble = None, None, ""
        try:
            pulse = self._feed.pulse()
            found = self._feed.look(all_days)
        except Exception as problem:
            trouble = words_of(problem, self.words.language)
        self.post_message(self.News(found, pulse, trouble))

    @on(News)
    def _take_news(self, message: News) -> None:
        self._looking = False
        self._pulse, was = message.pulse, self._trouble
        self._trouble = message.trouble
        if message.found is not None:
            rows, self._last, self._cut = message.found
            self._seen = {row.number: row for row in rows}
        if message.found is not None or message.trouble != was:
            self._arrange()
        self.say_state()

    def _arrange(self) -> None:
        """The list anew; the cursor stays on its row, or goes on from one that was just decided."""
        numbers = arranged(tuple(self._seen.values()), self._filter)
        self.query_one("#both").display = bool(self._seen)
        self.query_one("#none").display = not self._seen
        self.query_one("#none", Static).update(self._trouble or self._nothing())
        listing = self.query_one(Listing)
        go_on, self._go_on = self._go_on, None
        listing.show(numbers, go_on if go_on in numbers else None)
        self._entitle()
        self._show_row()

    def _nothing(self) -> str:
        return self.words("inspections.empty_all" if self._all_days else "inspections.empty_today")

    def _entitle(self) -> None:
        """How many of each, in words where there is room; which days and verdicts the list is cut to."""
        listing = self.query_one(Listing)
        counts = {name: sum(1 for r in self._seen.values() if r.final in finals) for name, finals in FILTERS.items()}
        title = "inspections.title_short" if self.size.width < NARROW else "inspections.title"
        listing.border_title = self.words(title, review=counts["review"], fail=counts["fail"], passed=counts["pass"])
        days = self.words("inspections.all_days" if self._all_days else "inspections.today")
        kind = self.words(f"inspections.only_{self._filter}")
        listing.border_subtitle = f"{days} · {kind}" + (f" · {self.words('inspections.cut')}" if self._cut else "")

    def _line(self, key: Hashable, width: int) -> Pieces:
        today = datetime.fromtimestamp(self.context.now()).strftime("%Y-%m-%d")
        return row_line(self._seen[int(str(key))], width, today)

    def action_filter(self, name: str) -> None:
        """All, those that wait, FAIL, PASS."""
        self._filter = name
        self._arrange()

    def action_days(self) -> None:
        """Today's, or those of all days."""
        self._all_days = not self._all_days
        self.look()
