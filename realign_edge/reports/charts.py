"""The charts of an inspection report: defects by frequency, and the course over time."""

import math
from collections.abc import Sequence

from realign_edge.reports.drawing import Box, Dot, Drawing, Label, Path, Shape, Tone, fitted, legend, text_width, ticks
from realign_edge.reports.language import Words
from realign_edge.reports.model import FINALS, DefectCount, Final, Period, Trend

# Widths in points: of a whole column, and of one of two side by side.
WHOLE, HALF = 500.0, 240.0
TONES: dict[Final, Tone] = {"PASS": "pass", "FAIL": "fail", "REVIEW": "review", "RETAKE": "retake"}
# A failed photo is a full box, an undecided one hatched, so that print without colour still tells them apart.
HATCHED = frozenset({"REVIEW", "RETAKE"})
_MOST_BARS, _ROW = 12, 16.0


def pareto(defects: Sequence[DefectCount], words: Words, width: float = WHOLE) -> Drawing:
    """Bars of photos per defect, most frequent first, with the cumulative share of failed photos at the right."""
    bars = _with_rest(defects, words)
    left, right, top = 0.24 * width, 0.14 * width + 22, 32.0
    scale = (width - left - right - 50) / max((b.failed + b.open for b in bars), default=1)
    total, running = sum(b.failed for b in bars) or 1, 0
    shapes: list[Shape] = [*_pareto_legend(words), Label(width, 24, words("pareto.cumulative"), 7, "soft", "end")]
    line = []
    for i, bar in enumerate(bars):
        y = top + i * _ROW
        running += bar.failed
        shapes += _bar(bar, y, left, scale, words)
        # Where nothing failed, the sum stays: saying it again would only look like more.
        if bar.failed:
            share = running / total
            line.append((width - right + 4 + (right - 30) * share, y + 6))
            shapes.append(Label(width, y + 9, words.percent(share, 0), 7.5, "soft", "end"))
    shapes += [Path(tuple(line), "ink", 0.7), *[Dot(x, y, 1.7, "ink") for x, y in line]]
    return Drawing(width, top + len(bars) * _ROW + 2, tuple(shapes), words("pareto.alt"))


def _pareto_legend(words: Words) -> tuple[Shape, ...]:
    keys = [
        (words("pareto.failed"), Box(0, 0, 10, 6, "fail")),
        (words("pareto.open"), Box(0, 0, 10, 6, "review", True)),
    ]
    return legend(0, 2, keys, 7)


def _bar(bar: DefectCount, y: float, left: float, scale: float, words: Words) -> list[Shape]:
    x, failed, suspected = left + 6, bar.failed * scale, bar.open * scale
    name = bar.defect or words("pareto.unnamed")
    shapes: list[Shape] = [Label(left, y + 9, fitted(name, left, 8), 8, "ink", "end")]
    if failed:
        shapes.append(Box(x, y + 1, failed, 10, "fail"))
    if suspected:
        shapes.append(Box(x + failed, y + 1, suspected, 10, "review", True))
    count = words.count(bar.failed) + (f" + {words.count(bar.open)}" if bar.open else "")
    return [*shapes, Label(x + failed + suspected + 4, y + 9, count, 7.5, "ink")]


def _with_rest(defects: Sequence[DefectCount], words: Words) -> list[DefectCount]:
    """The most frequent ones, and all others as one."""
    if len(defects) <= _MOST_BARS:
        return list(defects)
    rest = defects[_MOST_BARS - 1 :]
    other = words("pareto.other", n=len(rest))
    return [*defects[: _MOST_BARS - 1], DefectCount(other, sum(d.failed for d in rest), sum(d.open for d in rest))]


def trend(found: Trend, words: Words, width: float = WHOLE) -> Drawing:
    """Stacked bars by final verdict; below them the share that failed, with its interval."""
    left, top, high, low = 30.0, 32.0, 92.0, 48.0
    periods = found.periods
    slot = (width - left) / max(len(periods), 1)
    shapes: list[Shape] = [*legend(0, 2, [(words(f"verdict.{v}"), _key(v)) for v in FINALS], 7)]
    shapes.append(Label(left, 24, f"{words('trend.photos')}, {words(f'trend.{found.step}')}", 7))
    shapes += _axis(_count_ticks(periods), left, top, high, width)
    most = _count_ticks(periods)[-1]
    for i, period in enumerate(periods):
        shapes += _stack(period, left + i * slot, slot, top + high, high / most)
    below = top + high + 26
    shapes += _failures(periods, left, slot, below, low, width, words)
    shapes += _time_labels(periods, found.step, left, slot, top + high + 10, words)
    return Drawing(width, below + low + 6, tuple(shapes), words("trend.alt"))


def _key(verdict: Final) -> Box:
    return Box(0, 0, 10, 6, TONES[verdict], verdict in HATCHED)


def _count_ticks(periods: Sequence[Period]) -> tuple[float, ...]:
    most = max((sum(p.counts.values()) for p in periods), default=1)
    return tuple(t for t in ticks(0, max(most, 4), 4) if t == int(t))


def _axis(values: Sequence[float], left: float, top: float, height: float, width: float) -> list[Shape]:
    shapes: list[Shape] = []
    for value in values:
        y = top + height * (1 - value / values[-1])
        shapes.append(Path(((left, y), (width, y)), "grid", 0.5))
        shapes.append(Label(left - 4, y + 2.5, f"{value:,.0f}", 7, "soft", "end"))
    return shapes


def _stack(period: Period, x: float, slot: float, base: float, scale: float) -> list[Shape]:
    shapes: list[Shape] = []
    width = min(slot * 0.72, 26.0)
    for verdict in FINALS:
        height = period.counts[verdict] * scale
        if height > 0:
            base -= height
            shapes.append(Box(x + (slot - width) / 2, base, width, height, TONES[verdict], verdict in HATCHED))
    return shapes


def _failures(
    periods: Sequence[Period], left: float, slot: float, top: float, height: float, width: float, words: Words
) -> list[Shape]:
    # Whiskers of a period with few photos reach far up; the scale follows the shares, and whiskers are cut there.
    shares = [p.failed for p in periods if p.failed.of]
    most = max((s.value for s in shares), default=0.0)
    highs = sorted(s.high for s in shares) or [0.1]
    scale = ticks(0, 100 * min(1.0, max(most * 1.15, highs[len(highs) // 2], 0.02)), 3)
    shapes: list[Shape] = [Label(left, top - 6, words("trend.failed"), 7)]
    shapes += _axis(scale, left, top, height, width)
    for i, period in enumerate(periods):
        if not period.failed.of:
            continue
        x = left + (i + 0.5) * slot
        y, up, down = (
            top + height * (1 - min(100 * v / scale[-1], 1.0))
            for v in (period.failed.value, period.failed.high, period.failed.low)
        )
        shapes += [Path(((x, up), (x, down)), "fail", 0.8), Dot(x, y, 1.9, "fail")]
    return shapes


def _time_labels(periods: Sequence[Period], step: str, left: float, slot: float, y: float, words: Words) -> list[Shape]:
    texts = [_time_label(p, step, words) for p in periods]
    widest = max((text_width(t, 7) for t in texts), default=1.0)
    every, right = max(1, math.ceil((widest + 8) / slot)), left + slot * len(periods)
    # The last label may not reach over the edge.
    shown = [(left + (i + 0.5) * slot, texts[i]) for i in range(0, len(texts), every)]
    return [Label(min(x, right - text_width(t, 7) / 2), y, t, 7, "soft", "middle") for x, t in shown]


def _time_label(period: Period, step: str, words: Words) -> str:
    start, ja = period.start, words.language == "ja"
    if step == "hour":
        return f"{start.month}/{start.day} {start:%H:%M}" if ja else f"{words.day(start)[:-5]} {start:%H:%M}"
    if step == "month":
        return f"{start.year}/{start.month}" if ja else words.day(start.replace(day=1))[2:]
    return f"{start.month}/{start.day}" if ja else words.day(start)[:-5]
