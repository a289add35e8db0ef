"""The charts of an alignment report: quantities over training steps, and figures before and after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from realign_edge.reports.alignment_model import Estimate, FigureChange
from realign_edge.reports.drawing import Dot, Drawing, Label, Path, Shape, Tone, fitted, legend, ticks
from realign_edge.reports.language import Words

Point = tuple[float, float]
_HIGH, _TOP, _LEFT = 96.0, 30.0, 34.0


@dataclass(frozen=True, slots=True)
class Series:
    """A line, with dots on its points where these are few; dash tells lines apart without colour."""

    name: str
    points: Sequence[Point]
    tone: Tone
    dash: tuple[float, ...] = ()
    dots: bool = False


def curve(
    title: str, series: Sequence[Series], words: Words, width: float, best: int | None = None, zero: bool = False
) -> Drawing:
    """Lines over steps; best: a step to mark; zero: the axis holds zero."""
    points = [p for s in series for p in s.points]
    ys = [y for _, y in points] + ([0.0] if zero else [])
    marks = ticks(min(ys, default=0.0), max(ys, default=1.0), 4)
    last = max((x for x, _ in points), default=1.0)

    def across(x: float) -> float:
        return _LEFT + (width - _LEFT - 4) * x / max(last, 1.0)

    def down(y: float) -> float:
        return _TOP + _HIGH * (1 - (y - marks[0]) / (marks[-1] - marks[0]))

    shapes: list[Shape] = [Label(0, 8, title, 8.5, "ink", "start", True)]
    keys: list[tuple[str, Shape]] = [(s.name, Path(((0, 3), (10, 3)), s.tone, 1.1, s.dash)) for s in series if s.points]
    shapes += legend(0, 14, keys, 7)
    shapes += _grid(marks, down, width)
    shapes += [Label(across(x), _TOP + _HIGH + 10, f"{x:,.0f}", 7, "soft", "middle") for x in _steps(last)]
    shapes.append(Label(width, _TOP + _HIGH + 19, words("training.step"), 7, "soft", "end"))
    if best is not None and best < last:
        shapes.append(Path(((across(best), _TOP), (across(best), _TOP + _HIGH)), "soft", 0.6, (2, 2)))
    for one in series:
        placed = tuple((across(x), down(y)) for x, y in one.points)
        shapes.append(Path(placed, one.tone, 1.1, one.dash))
        shapes += [Dot(x, y, 1.6, one.tone) for x, y in placed if one.dots]
    return Drawing(width, _TOP + _HIGH + 22, tuple(shapes), title)


def _grid(marks: Sequence[float], down: Callable[[float], float], width: float) -> list[Shape]:
    shapes: list[Shape] = []
    for mark in marks:
        tone: Tone = "soft" if mark == 0 and marks[0] < 0 else "grid"
        shapes.append(Path(((_LEFT, down(mark)), (width, down(mark))), tone, 0.5))
        shapes.append(Label(_LEFT - 4, down(mark) + 2.5, f"{mark:g}".replace("-", "−"), 7, "soft", "end"))
    return shapes


def _steps(last: float) -> list[float]:
    return [x for x in ticks(0, last, 4) if 0 < x <= last * 1.001 and x == int(x)]


def before_after(figures: Sequence[FigureChange], words: Words, width: float) -> Drawing:
    """Each figure as two points with whiskers, before above after, on one axis in percent."""
    known = [f for f in figures if f.before.value == f.before.value and f.after.value == f.after.value]
    left, row, top = 0.3 * width, 23.0, 26.0

    def across(v: float) -> float:
        return left + 10 + (width - left - 20) * v

    keys: list[tuple[str, Shape]] = [
        (words("result.before"), Dot(5, 3, 2.4, "soft", True)),
        (words("result.after"), Dot(5, 3, 2.4, "first")),
    ]
    base = top + row * len(known)
    shapes: list[Shape] = [*legend(left + 10, 2, keys)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        shapes.append(Path(((across(share), top - 4), (across(share), base)), "grid", 0.5))
        shapes.append(Label(across(share), base + 9, f"{100 * share:.0f} %", 7, "soft", "middle"))
    for i, figure in enumerate(known):
        shapes += _estimates(figure, top + i * row, left, across, words)
    return Drawing(width, base + 14, tuple(shapes), words("result.alt"))


def _estimates(
    figure: FigureChange, y: float, left: float, across: Callable[[float], float], words: Words
) -> list[Shape]:
    name = words(f"metric.{figure.metric}") + (" ↓" if figure.lower_is_better else "")
    label = Label(left, y + 11, fitted(name, left, 8), 8, "ink", "end")
    return [
        label,
        *_whisker(figure.before, y + 5, across, "soft", True),
        *_whisker(figure.after, y + 12, across, "first", False),
    ]


def _whisker(found: Estimate, y: float, across: Callable[[float], float], tone: Tone, hollow: bool) -> list[Shape]:
    shapes: list[Shape] = []
    if found.low == found.low:
        shapes.append(Path(((across(found.low), y), (across(found.high), y)), tone, 1.0))
    return [*shapes, Dot(across(found.value), y, 2.4, tone, hollow)]
