"""Lines as braille: two by four dots a cell. Only numbers come in, and only masks and positions go out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Bits of the dots of a cell, from the highest row to the lowest, left and right (Unicode, block Braille Patterns).
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Frame:
    """The part of the plane that is shown, and its room: `rows` by `columns` cells.

    low, high: values at the lowest and the highest dot; first, last: places (steps) at the left and right edge.
    """

    rows: int
    columns: int
    low: float
    high: float
    first: float
    last: float

    def dot_row(self, value: float) -> int:
        """Row of dots of a value, 0 = the highest, kept inside."""
        share = (self.high - value) / (self.high - self.low)
        most = self.rows * 4 - 1
        return min(max(round(share * most), 0), most)


def ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """At most `most` (at least 2) round values, evenly spaced, around low and high.

    A value that is outside by less than a twentieth of a step earns no tick of its own: it is drawn at the edge.
    low and high that are equal are given room around them.
    """
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-6):
        room = max(abs(low) * 0.1, 1e-3)
        low, high = low - room, high + room
    power = math.floor(math.log10((high - low) / max(most - 1, 1)))
    for step in (nice * 10.0**exponent for exponent in range(power, power + 4) for nice in _NICE):
        start, end = math.floor(low / step + 0.05), math.ceil(high / step - 0.05)
        if end - start + 1 <= max(most, 2):
            return tuple(number * step for number in range(start, end + 1))
    return low, high


def decimals(values: Sequence[float]) -> int:
    """How many decimals tell these evenly spaced values apart."""
    step = min((abs(b - a) for a, b in pairwise(values)), default=1.0)
    for places in range(5):
        if abs(round(step, places) - step) < 1e-9 * max(step, 1e-9) + 1e-12:
            return places
    return 5


def binned(points: Sequence[tuple[float, float]], frame: Frame) -> list[tuple[int, float]]:
    """(dot column, mean of the values in it) from left to right; NaN stands where a column has only NaN."""
    # Written out, since this is where a long run's screen spends its time.
    most, width = frame.columns * 2 - 1, frame.last - frame.first
    first, scale = frame.first, most / width if width > 0 else 0.0
    sums, counts = [0.0] * (most + 1), [-1] * (most + 1)
    for place, value in points:
        column = int((place - first) * scale + 0.5)
        column = 0 if column < 0 else most if column > most else column
        counts[column] += counts[column] < 0
        if value - value == 0:  # neither NaN nor infinite
            sums[column] += value
            counts[column] += 1
    seen = ((column, count) for column, count in enumerate(counts) if count >= 0)
    return [(column, sums[column] / count if count else math.nan) for column, count in seen]


def line_dots(points: Sequence[tuple[int, float]], frame: Frame) -> Iterable[tuple[int, int]]:
    """(dot row, dot column) of a line through the points; it is broken where a point is NaN."""
    before: tuple[int, int] | None = None
    for column, value in points:
        if not math.isfinite(value):
            before = None
            continue
        now = frame.dot_row(value), column
        yield from _between(before, now) if before else ()
        yield now
        before = now


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterable[tuple[int, int]]:
    count = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    for number in range(1, count):
        share = number / count
        yield round(start[0] + (end[0] - start[0]) * share), round(start[1] + (end[1] - start[1]) * share)


def masks(dots: Iterable[tuple[int, int]], dotted: bool = False) -> dict[tuple[int, int], int]:
    """(row, column) of cells to their braille bits. dotted: every second cell is left out."""
    found: dict[tuple[int, int], int] = {}
    for row, column in dots:
        cell = row // 4, column // 2
        if not (dotted and cell[1] % 2):
            found[cell] = found.get(cell, 0) | _BITS[row % 4][column % 2]
    return found


def braille(mask: int) -> str:
    """The character with these dots."""
    return chr(_BLANK + mask)
