"""Progress for people, on stderr: task, how far, how fast, how long still."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from realign_edge.cli.console import PlainConsole
from realign_edge.meter import Meter, clock

# Name, bar and figures of the longest task stay within 80 columns.
_NAME_WIDTH, _BAR_WIDTH = 24, 12


class Bars:
    """Progress bars on a terminal; a finished task leaves one line.

    Names and messages may hold file names, so nothing of them is read as markup.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or PlainConsole(stderr=True)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._name, self._meter = "", Meter(0, "", time.monotonic())

    def start(self, task: str, total: int, unit: str = "photos") -> None:
        """Show a bar for the task."""
        self.close()
        self._name, self._meter = task, Meter(total, unit, time.monotonic())
        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=_BAR_WIDTH),
            TextColumn("{task.fields[about]}", markup=False),
            console=self._console,
            refresh_per_second=4,
            transient=True,
        )
        self._bar.start()
        name = f"{task[:_NAME_WIDTH]:<{_NAME_WIDTH}}"
        self._task = self._bar.add_task(name, total=total or None, about=self._meter.describe())

    def advance(self, done: int) -> None:
        """Move the bar."""
        self._meter.update(done, time.monotonic())
        if self._bar is not None:
            self._bar.update(self._task, completed=done, about=self._meter.describe())

    def finish(self, note: str = "") -> None:
        """Replace the bar by one line: what, how long, what came out."""
        seconds = time.monotonic() - self._meter.began
        self.close()
        line = Table.grid(padding=(0, 2, 0, 0))
        for width in (6, _NAME_WIDTH, 7):
            line.add_column(min_width=width, no_wrap=True)
        line.add_column(overflow="fold")
        about = note or f"{self._meter.total or self._meter.done} {self._meter.unit}"
        line.add_row(
            Text("    ok", style="green"), Text(self._name), Text(_took(seconds), justify="right"), Text(about)
        )
        self._console.print(line)

    def warn(self, message: str) -> None:
        """One line above the bar."""
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(min_width=6, no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(Text("  note", style="yellow"), Text(message))
        self._console.print(line)

    def close(self) -> None:
        """Take the bar away, also when the work ended in the middle."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class Lines:
    """Plain lines, a few seconds apart, for logs and pipes."""

    _EVERY_S = 5.0

    def __init__(self) -> None:
        self._name, self._told, self._meter = "", 0.0, Meter(0, "", time.monotonic())

    def start(self, task: str, total: int, unit: str = "photos") -> None:
        """Say nothing yet: short work needs one line only."""
        self._name, self._told = task, time.monotonic()
        self._meter = Meter(total, unit, self._told)

    def advance(self, done: int) -> None:
        """A line where the last one is some seconds old."""
        now = time.monotonic()
        self._meter.update(done, now)
        if now - self._told >= self._EVERY_S:
            self._told = now
            self._print(f"{self._name}: {self._meter.describe()}")

    def finish(self, note: str = "") -> None:
        """What came out, and how long it took."""
        about = note or f"{self._meter.total or self._meter.done} {self._meter.unit}"
        self._print(f"{self._name}: {about} in {_took(time.monotonic() - self._meter.began).strip()}")

    def warn(self, message: str) -> None:
        """A line of its own."""
        self._print(f"note: {message}")

    def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def _print(line: str) -> None:
        print(line, file=sys.stderr, flush=True)


def _took(seconds: float) -> str:
    return f"{seconds:5.1f} s" if seconds < 100 else clock(seconds)
