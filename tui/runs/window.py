"""Runs: the list, what is known of one, comparing two, making room."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Protocol, cast

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget
from textual.widgets import Static

from tui.frame.listing import Listing
from tui.frame.tell import Tell
from tui.rooms import RoomName
from tui.runs.compared import ComparedRuns
from tui.runs.deleting import Deleting
from tui.runs.details import RunDetails

_EVERY_S = 2.0


class _Opens(Protocol):
    def open_run(self, run: str, room: RoomName = "dashboard") -> None: ...


class RunsWindow(Deleting):
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
        self.look()
        self.set_interval(_EVERY_S, self.look)

    def on_resize(self) -> None:
        """Beside each other where the terminal is wide, one above the other elsewhere."""
        both = self.query_one("#both")
        both.set_class(self.size.width >= 150, "wide")
        both.set_class(self.size.height >= 36, "tall")
        self.call_after_refresh(self.show_heads)

    @on(Listing.Picked)
    def _picked(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Its dashboard."""
        if (row := self.current) is not None:
            cast("_Opens", self.app).open_run(row.run_id)

    def action_mark(self) -> None:
        """Mark or unmark the run under the cursor, and go on to the next."""
        if (row := self.current) is None:
            return
        if row.run_id in self._marked:
            self._marked.remove(row.run_id)
        else:
            self._marked.append(row.run_id)
        listing = self.query_one(Listing)
        listing.refresh()
        listing.action_step(1)
        self.entitle()

    def action_unmark(self) -> None:
        """None is marked."""
        self._marked = []
        self.query_one(Listing).refresh()
        self.entitle()

    def action_compare(self) -> None:
        """The two that are marked, or the marked one and the one under the cursor; the older one is A."""
        row, chosen = self.current, list(self._marked)
        if len(chosen) == 1 and row is not None and row.run_id not in chosen:
            chosen.append(row.run_id)
        if len(chosen) != 2:
            self.tell(self.words("runs.mark_two"), failed=True)
            return
        older, newer = sorted(chosen)
        self.app.push_screen(ComparedRuns(self._rows[older].run, self._rows[newer].run))

    def action_folder(self) -> None:
        """Where it lies, to be copied."""
        if (row := self.current) is not None:
            folder = str(row.run.folder)
            self.app.push_screen(Tell(self.words("runs.folder_of", run=row.run_id), folder, folder))
