"""A chart: a title with the last values, lines as braille, values at its left edge and steps below it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.dashboard.plot import Frame, binned, braille, decimals, line_dots, masks, ticks

# The first line is drawn through, the second dotted; the same signs stand in the title and at the lines' ends.
_ENDS = ("●", "○")


@dataclass(frozen=True)
class Line:
    """One quantity over the steps: (step, value), oldest first; a NaN is a gap."""

    name: str
    points: Sequence[tuple[float, float]] = ()

    @property
    def last(self) -> float:
        """The newest value that is a number; NaN without one."""
        return next((value for _, value in reversed(self.points) if math.isfinite(value)), math.nan)


@dataclass(frozen=True)
class Drawing:
    """What a chart shows now.

    lines: one or two; bounds: (low, high) that are always inside; level: a value marked across the chart;
    scale, unit, places: how values are told (a share as per cent has scale 100 and unit "%"); waiting: what stands
    there before the first value; span: steps at the edges, where they are not those of the lines; below: what the
    places are. A unit of several letters stands behind the title, a sign beside every value.
    """

    title: str
    lines: Sequence[Line] = ()
    bounds: tuple[float, float] | None = None
    level: float | None = None
    scale: float = 1.0
    unit: str = ""
    places: int = 2
    waiting: str = ""
    span: tuple[float, float] = (0.0, 0.0)
    below: str = ""

    @property
    def sign(self) -> str:
        """The unit where it is a sign."""
        return self.unit if len(self.unit) == 1 else ""

    def told(self, value: float) -> str:
        """A value with its unit; a dash for none."""
        return f"{value * self.scale:.{self.places}f}{self.sign}" if math.isfinite(value) else "–"


class Chart(Widget):
    """Shows a `Drawing`; `draw` replaces it. Nothing is drawn anew that has not changed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--first", "chart--second", "chart--axis", "chart--title"}
    DEFAULT_CSS = """
    Chart { height: 1fr; width: 1fr; min-height: 3; }
    Chart > .chart--first { color: $primary; }
    Chart > .chart--second { color: $accent; }
    Chart > .chart--axis { color: $foreground; text-style: dim; }
    Chart > .chart--title { color: $foreground; text-style: bold; }
    """

    def __init__(self, drawing: Drawing, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._drawing = drawing
        self._strips: list[Strip] = []
        self._styles: dict[str, Style] = {}

    def draw(self, drawing: Drawing) -> None:
        """Show this from now on."""
        if drawing != self._drawing:
            self._drawing, self._strips = drawing, []
            self.refresh()

    def notify_style_update(self) -> None:
        """Another theme: other colours."""
        super().notify_style_update()
        self._strips, self._styles = [], {}

    def render_line(self, y: int) -> Strip:
        """One line of the whole, which is drawn once per change."""
        if len(self._strips) != self.size.height or (self._strips and self._strips[0].cell_length != self.size.width):
            self._strips = drawn_lines(self._drawing, self.size.width, self.size.height, self._known_styles())
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def _known_styles(self) -> dict[str, Style]:
        if not self._styles:
            names = ("first", "second", "axis", "title")
            self._styles = {name: self.get_component_rich_style(f"chart--{name}") for name in names}
        return self._styles


def drawn_lines(drawing: Drawing, width: int, height: int, styles: dict[str, Style]) -> list[Strip]:
    title = Strip(_title(drawing, width, styles)).adjust_cell_length(width, styles["axis"])
    known = [extreme for line in drawing.lines for extreme in _extremes(line.points)]
    if not known or height < 3:
        before = " " * max((width - cell_len(drawing.waiting)) // 2, 0)
        words = Strip([Segment(before + drawing.waiting, styles["axis"])]).adjust_cell_length(width, styles["axis"])
        blank = Strip.blank(width, styles["axis"])
        middle = (height - 2) // 2
        return [title, *(words if row == middle and not known else blank for row in range(height - 1))]
    rows = height - 2 if height >= 5 else height - 1
    marks = _marks(known, drawing, rows)
    labels = _labels(marks, drawing)
    indent = max(cell_len(label) for label in labels.values())
    first, last = _span(drawing)
    frame = Frame(rows, width - indent - 1, marks[0], marks[-1], first, last)
    plot = _plot(drawing, frame, labels, indent, styles)
    below = [_steps(frame, indent, width, drawing.below, styles["axis"])] if height >= 5 else []
    return [title, *plot, *below]


def _title(drawing: Drawing, width: int, styles: dict[str, Style]) -> list[Segment]:
    """`Margin, nats  ● text 2.30  ○ visual 2.57`; names go where there is no room for them, then the unit."""
    many = len(drawing.lines) > 1
    unit = "" if drawing.sign or not drawing.unit else f", {drawing.unit}"
    for with_names, with_unit in ((True, True), (False, True), (False, False)):
        made = [Segment(drawing.title, styles["title"]), Segment(unit if with_unit else "", styles["axis"])]
        for line, style, sign in zip(drawing.lines, ("first", "second"), _ENDS, strict=False):
            if not line.points:
                continue
            name = f"{line.name} " if with_names and line.name else ""
            made.append(Segment(f"  {sign + ' ' if many else ''}{name}{drawing.told(line.last)}", styles[style]))
        if sum(segment.cell_length for segment in made) <= width:
            break
    return made


def _extremes(points: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The lowest and the highest value that is a number; () without one."""
    values = [value for _, value in points]
    if not math.isfinite(sum(values)):
        values = [value for value in values if math.isfinite(value)]
    return (min(values), max(values)) if values else ()


def _marks(known: Sequence[float], drawing: Drawing, rows: int) -> tuple[float, ...]:
    inside = [*known, *(drawing.bounds or ()), *([drawing.level] if drawing.level is not None else [])]
    if drawing.bounds and min(known) >= drawing.bounds[0] and max(known) <= drawing.bounds[1]:
        low, high = drawing.bounds
        return (low, (low + high) / 2, high) if rows >= 3 else (low, high)
    return ticks(min(inside), max(inside), rows if rows <= 3 else (rows + 2) // 2)


def _labels(marks: Sequence[float], drawing: Drawing) -> dict[float, str]:
    scaled = [mark * drawing.scale for mark in marks]
    return {mark: f"{value:.{decimals(scaled)}f}{drawing.sign}" for mark, value in zip(marks, scaled, strict=True)}


def _span(drawing: Drawing) -> tuple[float, float]:
    places = [place for line in drawing.lines for place, _ in line.points]
    first, last = drawing.span
    return (first, last) if last > first else (min(places), max(places))


def _plot(
    drawing: Drawing, frame: Frame, labels: dict[float, str], indent: int, styles: dict[str, Style]
) -> list[Strip]:
    rows = [[("", "axis")] * frame.columns for _ in range(frame.rows)]
    if drawing.level is not None:
        rows[frame.dot_row(drawing.level) // 4] = [("╌", "axis")] * frame.columns
    masked: dict[tuple[int, int], int] = {}
    ends: list[tuple[int, int, str, str]] = []
    pairs = list(zip(drawing.lines, ("first", "second"), _ENDS, strict=False))
    for line, style, sign in reversed(pairs):
        points = binned(line.points, frame)
        for cell, mask in masks(line_dots(points, frame), dotted=style == "second").items():
            masked[cell] = masked.get(cell, 0) | mask
            rows[cell[0]][cell[1]] = braille(masked[cell]), style
        whole = [point for point in points if math.isfinite(point[1])]
        if whole:
            ends.append((frame.dot_row(line.last) // 4, whole[-1][0] // 2, sign, style))
    for row, column, sign, style in ends:
        rows[row][column] = sign, style
    named = {frame.dot_row(value) // 4: label for value, label in labels.items()}
    return [_row(cells, named.get(number), indent, styles) for number, cells in enumerate(rows)]


def _row(cells: Sequence[tuple[str, str]], label: str | None, indent: int, styles: dict[str, Style]) -> Strip:
    edge = f"{label or '':>{indent}}{'┤' if label is not None else '│'}"
    made, run, run_style = [Segment(edge, styles["axis"])], "", ""
    for sign, style in cells:
        if style != run_style and run:
            made.append(Segment(run, styles[run_style]))
            run = ""
        run, run_style = run + (sign or " "), style
    return Strip([*made, Segment(run, styles[run_style])])


def _steps(frame: Frame, indent: int, width: int, below: str, style: Style) -> Strip:
    """The places at both edges, and between them what they are."""
    left, right = f"{frame.first:,.0f}", f"{frame.last:,.0f}"
    room = width - indent - 1 - len(left) - len(right)
    said = below if cell_len(below) + 2 <= room else ""
    before = max((room - cell_len(said)) // 2, 1)
    after = max(room - before - cell_len(said), 0)
    return Strip(
        [Segment(" " * (indent + 1) + left + " " * before + said + " " * after + right, style)]
    ).adjust_cell_length(width, style)
