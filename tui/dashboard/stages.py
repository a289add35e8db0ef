"""The stages of a run: how far each is, how fast, how long it still takes and when it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from rich.cells import cell_len
from rich.text import Text

from realign_edge.monitoring.model import RunView, StageState, StageView
from tui.dashboard.still import Still
from tui.dashboard.telling import bar, clock, duration, rate
from tui.frame.plain import as_text
from tui.words import Words

Wording = Literal["full", "phrases", "short"]
SIGNS: dict[StageState, str] = {
    "waiting": "·",
    "running": "▶",
    "paused": "‖",
    "stopped": "■",
    "failed": "✗",
    "done": "✓",
    "unchanged": "✓",
    "left_out": "–",
}
_COLOURS: dict[StageState, str] = {"running": "accent", "paused": "warning", "stopped": "warning", "failed": "error",
                                   "done": "success", "unchanged": "success"}  # fmt: skip
# The bar's least width where everything is told, where the rate is left out, and where all is short.
_LEAST_BARS: tuple[tuple[Wording, int], ...] = (("full", 10), ("phrases", 10), ("short", 6))
_MOST_BAR = 44


@dataclass(frozen=True)
class Row:
    """One stage in words; every part may be empty."""

    state: StageState
    title: str
    share: float | None
    count: str
    rate: str
    time: str


def row_of(stage: StageView, words: Words, now: float, wording: Wording) -> Row:
    """The words of a stage: with units and rate, with whole phrases but no rate, or short."""
    unit = stage.unit.of(words.language)
    counted = bool(stage.total) and stage.state not in ("waiting", "left_out")
    count = f"{stage.done:,}/{stage.total:,}" if counted and stage.state != "done" else f"{stage.total:,}"
    if wording != "short" and unit:
        count += f" {unit}"
    going = stage.state == "running" and stage.rate is not None and wording == "full"
    speed = words("dashboard.rate", rate=rate(stage.rate), unit=unit) if going else ""
    share = stage.done / stage.total if counted else 1.0 if stage.state in ("done", "unchanged") else None
    time = _time(stage, words, now, wording != "short")
    return Row(stage.state, stage.title.of(words.language), share, count if counted else "", speed, time)


def _time(stage: StageView, words: Words, now: float, phrases: bool) -> str:
    if stage.state == "running" and stage.seconds_left is not None:
        key = "dashboard.left_until" if phrases else "dashboard.left_short"
        return words(key, left=duration(words, stage.seconds_left), clock=clock(words, stage.ends_at, now))
    if stage.state == "done" and stage.took_s is not None:
        took = duration(words, stage.took_s)
        return words("dashboard.took", time=took) if phrases else took
    if stage.state == "running":
        return stage.task.of(words.language) if phrases else ""
    return words(f"dashboard.state_{stage.state}") if stage.state not in ("waiting", "done") else ""


def stages_text(view: RunView, words: Words, width: int, colours: Mapping[str, str]) -> Text:
    """All of them below each other, in the fullest words that leave room for bars."""
    for wording, least in _LEAST_BARS:
        rows = [row_of(stage, words, view.time, wording) for stage in view.stages]
        sizes = _Sizes.of(rows)
        room = min(width - sizes.sum, _MOST_BAR)
        if room >= least:
            break
    text = Text()
    for number, row in enumerate(rows):
        text.append("\n" if number else "")
        _append_row(text, row, sizes, room if room >= _LEAST_BARS[-1][1] else 0, colours)
    return text


@dataclass(frozen=True)
class _Sizes:
    """Cells that each column needs; 0 = it is left out."""

    title: int
    count: int
    rate: int
    time: int

    @staticmethod
    def of(rows: Sequence[Row]) -> "_Sizes":
        names = ("title", "count", "rate", "time")
        return _Sizes(*(max((cell_len(getattr(row, name)) for row in rows), default=0) for name in names))

    @property
    def sum(self) -> int:
        """With a sign before them and two cells between them, also before a bar."""
        columns = (self.title, self.count, self.rate, self.time)
        return 4 + sum(columns) + 2 * sum(1 for column in columns[1:] if column)


def _append_row(text: Text, row: Row, sizes: _Sizes, room: int, colours: Mapping[str, str]) -> None:
    colour = colours.get(_COLOURS.get(row.state, ""), "")
    still = row.state in ("waiting", "left_out")
    text.append(f"{SIGNS[row.state]} ", style=f"bold {colour}")
    text.append(_left(row.title, sizes.title), style="dim" if still else "bold" if row.state == "running" else "")
    if room:
        _append_bar(text, row, room, colour)
    for size, part in ((sizes.count, row.count), (sizes.rate, row.rate)):
        if size:
            text.append("  " + " " * (size - cell_len(part)) + part)
    text.append("  " + row.time, style="dim" if row.state in ("done", "unchanged", "left_out") else "")


def _append_bar(text: Text, row: Row, room: int, colour: str) -> None:
    done, left = bar(row.share or 0.0, room) if row.share is not None else ("", " " * room)
    text.append("  ")
    text.append(done, style=colour)
    text.append(left, style="dim")


def _left(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


class Stages(Still):
    """A panel of all stages."""

    def on_resize(self) -> None:
        """Columns for the new width."""
        self._show()

    def tell(self, view: RunView, words: Words) -> None:
        """The stages of this look."""
        self._told = view, words
        about = " · ".join(part for part in (view.run_id, PurePath(view.model).name) if part)
        self.border_title, self.border_subtitle = words("dashboard.stages"), as_text(about)
        self._show()

    _told: tuple[RunView, Words] | None = None

    def _show(self) -> None:
        width = self.content_size.width
        if self._told is not None and width:
            self.put(stages_text(*self._told, width, self.app.theme_variables))
