"""Runs: the list, what is known of one, comparing two, making room."""

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from realign_edge.carry.sizes import gib
from realign_edge.evaluation.preference.choices import count_choices
from realign_edge.runs.compare import Figure, compare_runs
from realign_edge.runs.prune import Removal, all_but, folder_bytes, removal, remove
from tui.context import Context
from tui.frame.ask import AskText, Confirm
from tui.frame.failure import words_of
from tui.frame.listing import Listing, Pieces
from tui.frame.tell import Tell
from tui.frame.window import Window
from tui.rooms import RoomName
from tui.runs.compared import ComparedRuns
from tui.runs.details import RunDetails
from tui.runs.rows import RunRow, RunsOnDisk
from tui.runs.telling import head_line, run_line

_EVERY_S = 2.0
# So many are shown as soon as they are read; the rest follows at once.
_FIRST = 40
# Names in a question are told one by one up to here.
_NAMED = 6
_KEEP = 5


class _Opens(Protocol):
    def open_run(self, run: str, room: RoomName = "dashboard") -> None: ...


class RunsWindow(Window):
    """Newest first; everything is read from the runs' folders, in threads."""

    ROOM = "runs"
    CSS_PATH = Path("window.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "runs.key_open", key_display="⏎"),
        Binding("space", "mark", "runs.key_mark", key_display="␣"),
        Binding("c", "compare", "runs.key_compare"),
        Binding("f", "folder", "runs.key_folder"),
        Binding("d", "delete", "runs.key_delete"),
        Binding("p", "prune", "runs.key_prune"),
        Binding("escape", "unmark", "runs.key_unmark", show=False),
    ]

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

    class Planned(Message):
        """What would be deleted."""

        def __init__(self, planned: Removal) -> None:
            super().__init__()
            self.planned = planned

    class Said(Message):
        """Something to tell: what was done, or why it was not."""

        def __init__(self, words: str, failed: bool = False) -> None:
            super().__init__()
            self.words, self.failed = words, failed

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._disk = RunsOnDisk(context.home / "runs")
        self._rows: dict[str, RunRow] = {}
        self._marked: list[str] = []
        self._measured: dict[str, tuple[int, tuple[Figure, ...]]] = {}
        self._reading = self._measuring = False

    def body(self) -> Iterable[Widget]:
        """The list with its columns' names, and the run under the cursor; or one sentence."""
        yield Container(
            Vertical(Static(id="heads", markup=False), Listing(self._line, id="list"), id="runs", classes="panel"),
            RunDetails(self.words),
            id="both",
        )
        yield Static(self.words("runs.empty"), id="none", classes="empty", markup=False)

    def on_mount(self) -> None:
        """Read at once, and then every few seconds."""
        self.query_one("#none").display = False
        self.query_one("#runs").border_title = self.words("runs.reading")
        self.query_one("#heads").add_class("dim")
        self.query_one(Listing).focus()
        self._look()
        self.set_interval(_EVERY_S, self._look)

    def on_resize(self) -> None:
        """Beside each other where the terminal is wide, one above the other elsewhere."""
        both = self.query_one("#both")
        both.set_class(self.size.width >= 150, "wide")
        both.set_class(self.size.height >= 36, "tall")
        self.call_after_refresh(self._heads)

    def _heads(self) -> None:
        width = self.query_one(Listing).scrollable_content_region.width
        self.query_one("#heads", Static).update(head_line(self.words, width))

    def _line(self, key: Hashable, width: int) -> Pieces:
        return run_line(self.words, self._rows[str(key)], width, key in self._marked)

    # Reading

    def _look(self) -> None:
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
            self.post_message(self.Said(words_of(problem), failed=True))
        self.post_message(self.Listed(rows, whole=True))

    def on_runs_window_listed(self, message: Listed) -> None:
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
        listing = self.query_one(Listing)
        listing.show(list(rows))
        self._retitle()
        self._heads()
        self._detail()

    def _retitle(self) -> None:
        live = sum(1 for r in self._rows.values() if r.state in ("running", "paused"))
        panel = self.query_one("#runs")
        panel.border_title = self.words("runs.title", n=len(self._rows), live=live)
        panel.border_subtitle = self.words("runs.marked", n=len(self._marked)) if self._marked else ""

    @on(Listing.Moved)
    def _moved(self, event: Listing.Moved) -> None:
        if not isinstance(event, Listing.Picked):
            self._detail()

    def _detail(self) -> None:
        row = self._current()
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

    def on_runs_window_measured(self, message: Measured) -> None:
        """Keep it, and show it if its run is still under the cursor."""
        self._measuring = False
        self._measured[message.run] = message.size, message.figures
        row = self._current()
        if row is not None and row.run_id == message.run:
            self.query_one(RunDetails).show(row, message.size, message.figures)
        elif row is not None:
            self._detail()

    def _current(self) -> RunRow | None:
        key = self.query_one(Listing).current
        return None if key is None else self._rows.get(str(key))

    # What the keys do

    @on(Listing.Picked)
    def _picked(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Its dashboard."""
        if (row := self._current()) is not None:
            cast("_Opens", self.app).open_run(row.run_id)

    def action_mark(self) -> None:
        """Mark or unmark the run under the cursor, and go on to the next."""
        if (row := self._current()) is None:
            return
        if row.run_id in self._marked:
            self._marked.remove(row.run_id)
        else:
            self._marked.append(row.run_id)
        listing = self.query_one(Listing)
        listing.refresh()
        listing.action_step(1)
        self._retitle()

    def action_unmark(self) -> None:
        """None is marked."""
        self._marked = []
        self.query_one(Listing).refresh()
        self._retitle()

    def action_compare(self) -> None:
        """The two that are marked, or the marked one and the one under the cursor; the older one is A."""
        row, chosen = self._current(), list(self._marked)
        if len(chosen) == 1 and row is not None and row.run_id not in chosen:
            chosen.append(row.run_id)
        if len(chosen) != 2:
            self._tell(self.words("runs.mark_two"), failed=True)
            return
        older, newer = sorted(chosen)
        self.app.push_screen(ComparedRuns(self._rows[older].run, self._rows[newer].run))

    def action_folder(self) -> None:
        """Where it lies, to be copied."""
        if (row := self._current()) is not None:
            folder = str(row.run.folder)
            self.app.push_screen(Tell(self.words("runs.folder_of", run=row.run_id), folder, folder))

    def action_delete(self) -> None:
        """Those that are marked, else the one under the cursor."""
        row = self._current()
        names = self._marked or ([row.run_id] if row else [])
        if names:
            self._plan([self._rows[name] for name in names])

    def action_prune(self) -> None:
        """All but the newest."""
        if self._rows:
            question = self.words("runs.how_many_stay", n=len(self._rows))
            self.app.push_screen(AskText(question, str(_KEEP)), self._keep)

    def _keep(self, answer: object) -> None:
        if not isinstance(answer, str):
            return
        if not answer.isascii() or not answer.isdigit():
            self._tell(self.words("runs.no_number", text=answer), failed=True)
            return
        oldest_first = list(reversed(self._rows.values()))
        names = {run.run_id for run in all_but([row.run for row in oldest_first], int(answer))}
        self._plan([row for row in oldest_first if row.run_id in names])

    @work(thread=True, group="plan", exit_on_error=False)
    def _plan(self, rows: Sequence[RunRow]) -> None:
        self.post_message(self.Planned(removal(row.run for row in rows)))

    def on_runs_window_planned(self, message: Planned) -> None:
        """Ask once."""
        planned, words = message.planned, self.words
        if not planned.gone:
            self._tell(words("runs.all_alive" if planned.spared else "runs.nothing_to_delete"), failed=True)
            return
        names = [run.run_id for run in planned.gone]
        more = len(names) - _NAMED
        told = "\n".join([*names[:_NAMED], *([words("runs.and_more", n=more)] if more > 0 else [])])
        choices = sum(count_choices(run.folder) for run in planned.gone)
        about = "\n".join(filter(None, (
            told, words("runs.what_goes"), words("runs.choices_go", n=choices) if choices else "",
            words("runs.stay", n=len(planned.spared)) if planned.spared else "",
        )))  # fmt: skip
        question = words("runs.delete", n=len(names), size=gib(planned.size))

        def answered(yes: object) -> None:
            if yes:
                self._remove(planned)

        self.app.push_screen(Confirm(question, about), answered)

    @work(thread=True, group="remove", exit_on_error=False)
    def _remove(self, planned: Removal) -> None:
        try:
            done = remove(planned)
        except OSError as problem:
            self.post_message(self.Said(words_of(problem), failed=True))
            return
        words = self.words("runs.deleted", n=len(done.gone), size=gib(done.size))
        if len(done.spared) > len(planned.spared):
            words = f"{words} {self.words('runs.alive_meanwhile')}"
        self.post_message(self.Said(words))

    def on_runs_window_said(self, message: Said) -> None:
        """Tell it; the list is read anew."""
        self._tell(message.words, message.failed)
        self._marked = []
        self._look()

    def _tell(self, words: str, failed: bool = False) -> None:
        self.notify(words, severity="warning" if failed else "information", markup=False)
