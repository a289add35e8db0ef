"""Progress for people, on stderr: task, how far, how fast, how long still."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Bars:
    """Progress bars on a terminal; a finished task leaves one line."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._name, self._unit, self._began, self._total = "", "", 0.0, 0

    def start(self, task: str, total: int, unit: str = "photos") -> None:
        self._close()
        self._name, self._unit, self._began, self._total = task, unit, time.monotonic(), total
        self._bar = Progress(
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=18),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("left"),
            console=self._console,
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task(f"{task:<24}", total=total or None, rate="")

    def advance(self, done: int) -> None:
        if self._bar is not None and self._task is not None:
            rate = done / max(time.monotonic() - self._began, 1e-6)
            self._bar.update(self._task, completed=done, rate=f"{rate:.1f} {self._unit}/s")

    def finish(self, note: str = "") -> None:
        seconds = time.monotonic() - self._began
        self._close()
        self._console.print(
            f"  [green]ok[/]  {self._name:<26} {note or f'{self._total} {self._unit}':<34} {seconds:6.1f} s"
        )

    def warn(self, message: str) -> None:
        self._console.print(f"  [yellow]note[/] {message}", markup=True, soft_wrap=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None


class Lines:
    """Plain lines, a few seconds apart, for logs and pipes."""

    _EVERY_S = 5.0

    def __init__(self) -> None:
        self._name, self._unit, self._total, self._began, self._told = "", "", 0, 0.0, 0.0

    def start(self, task: str, total: int, unit: str = "photos") -> None:
        self._name, self._unit, self._total = task, unit, total
        self._began = self._told = time.monotonic()

    def advance(self, done: int) -> None:
        now = time.monotonic()
        if now - self._told >= self._EVERY_S:
            self._told, rate = now, done / max(now - self._began, 1e-6)
            left = (self._total - done) / rate if rate and self._total else 0
            self._print(f"{self._name}: {done}/{self._total} {self._unit}, {rate:.1f}/s, {left:.0f} s left")

    def finish(self, note: str = "") -> None:
        self._print(f"{self._name}: {note or 'done'} ({time.monotonic() - self._began:.1f} s)")

    def warn(self, message: str) -> None:
        self._print(f"note: {message}")

    @staticmethod
    def _print(line: str) -> None:
        print(line, file=sys.stderr, flush=True)
