"""The list of runs and the run under the cursor, read from their folders in threads."""

from collections.abc import Hashable, Sequence

from textual import on, work
from textual.message import Message
from textual.widgets import Static

from realign_edge.runs.compare import Figure, compare_runs
from realign_edge.runs.prune import folder_bytes
from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.listing import Listing, Pieces
from tui.frame.window import Window
from tui.runs.details import RunDetails
from tui.runs.rows import RunRow, RunsOnDisk
from tui.runs.telling import head_line, run_line

# So many are shown as soon as they are read; the rest follows at once.
_FIRST = 40


class Reading(Window):
    """The part of the window that reads and shows. `look` asks for a look; what it finds is shown."""

    class Listed(Message):
        """Rows so far, newest first; whole: there are no more."""

        def __init__(self, rows: Sequence[RunRow], whole: bool) -> None:
            super().__init__()
            self.rows, self.whole = tuple(rows), whole

    class Measured(Message):
        """How large a run's folder is, and its figures."""

        def __init__(self, run: str, size: int, figures: tuple[Figure, ...]) -> None:
            super().__init__()
            self.run, self.size, self.figures = run, size, figures

    class Unread(Message):
        """Why the runs could not be read, in words."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._disk = RunsOnDisk(context.home / "runs")
        self._rows: dict[str, RunRow] = {}
        self._marked: list[str] = []
        self._measured: dict[str, tuple[int, tuple[Figure, ...]]] = {}
        self._reading = self._measuring = False

    def look(self) -> None:
        """Soon, unless a look is under way."""
        if not self._reading:
            self._reading = True
            self._read(not self._rows)

    @work(thread=True, group="read", exit_on_error=False)
    def _read(self, first: bool) -> None:
        rows: list[RunRow] = []
        try:
            for row in self._disk.look():
                rows.append(row)
                if first and len(rows) == _FIRST:
                    self.post_message(self.Listed(rows, whole=False))
        except OSError as problem:
            self.post_message(self.Unread(words_of(problem, self.words.language)))
        self.post_message(self.Listed(rows, whole=True))

    @on(Listed)
    def _list(self, message: Listed) -> None:
        """Show what was read."""
        if message.whole:
            self._reading = False
        rows = {row.run_id: row for row in message.rows}
        if rows == self._rows and not (message.whole and not rows):
            return
        self._rows = rows
        self._marked = [name for name in self._marked if name in rows]
        self.query_one("#both").display = bool(rows) or not message.whole
        self.query_one("#none").display = not rows and message.whole
        self.query_one(Listing).show(list(rows))
        self.entitle()
        self.show_heads()
        self._show_details()

    @on(Unread)
    def _tell_unread(self, message: Unread) -> None:
        self.tell(message.words, failed=True)

    @on(Listing.Moved)
    def _moved(self, event: Listing.Moved) -> None:
        if not isinstance(event, Listing.Picked):
            self._show_details()

    def _show_details(self) -> None:
        row = self.current
        size, figures = self._measured.get(row.run_id, (None, ())) if row else (None, ())
        self.query_one(RunDetails).show(row, size, figures)
        if row is not None and (size is None or row.state == "running") and not self._measuring:
            self._measuring = True
            self._measure(row)

    @work(thread=True, group="measure", exit_on_error=False)
    def _measure(self, row: RunRow) -> None:
        size = folder_bytes(row.run.folder)
        figures = compare_runs(row.run, row.run).figures
        self.post_message(self.Measured(row.run_id, size, figures))

    @on(Measured)
    def _keep_measure(self, message: Measured) -> None:
        """And show it if its run is still under the cursor."""
        self._measuring = False
        self._measured[message.run] = message.size, message.figures
        row = self.current
        if row is not None and row.run_id == message.run:
            self.query_one(RunDetails).show(row, message.size, message.figures)
        elif row is not None:
            self._show_details()

    @property
    def current(self) -> RunRow | None:
        """The run under the cursor."""
        key = self.query_one(Listing).current
        return None if key is None else self._rows.get(str(key))

    def entitle(self) -> None:
        """How many there are, live and marked."""
        live = sum(1 for r in self._rows.values() if r.state in ("running", "paused"))
        panel = self.query_one("#runs")
        panel.border_title = self.words("runs.title", n=len(self._rows), live=live)
        panel.border_subtitle = self.words("runs.marked", n=len(self._marked)) if self._marked else ""

    def show_heads(self) -> None:
        """The columns' names, for the width of now."""
        width = self.query_one(Listing).scrollable_content_region.width
        self.query_one("#heads", Static).update(head_line(self.words, width))

    def _line(self, key: Hashable, width: int) -> Pieces:
        return run_line(self.words, self._rows[str(key)], width, key in self._marked)

    def tell(self, words: str, failed: bool = False) -> None:
        """In a corner, for a while."""
        self.notify(words, severity="warning" if failed else "information", markup=False)
