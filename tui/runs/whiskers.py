"""An interval as a line of characters: where the value lies, and how far chance reaches to both sides."""

import math

from realign_edge.runs.compare import Estimate

_TRACK, _LINE, _POINT, _LOW, _HIGH = "·", "─", "●", "├", "┤"


def whisker(part: Estimate, width: int) -> tuple[str, str, str]:
    """A share in [0, 1] and its interval on a track of `width` cells from 0 to 100 %: the track before it, the
    interval, the track behind it. Blank where it is not known.
    """
    if width < 3 or math.isnan(part.value):
        return "", "", " " * max(width, 0)
    value = _cell(part.value, width)
    low, high = (value if math.isnan(end) else _cell(end, width) for end in (part.low, part.high))
    low, high = min(low, value), max(high, value)
    cells = [_LOW, *[_LINE] * (high - low - 1), _HIGH] if high > low else [_POINT]
    cells[value - low] = _POINT
    return _TRACK * low, "".join(cells), _TRACK * (width - 1 - high)


def scale(width: int) -> str:
    """What stands above the track: 0, 50 and 100 %."""
    if width < 14:
        return " " * max(width, 0)
    left, middle, right = "0", "50", "100 %"
    gap = width // 2 - len(left) - 1
    rest = width - len(left) - gap - len(middle) - len(right)
    return left + " " * gap + middle + " " * rest + right


def _cell(share: float, width: int) -> int:
    return min(max(round(share * (width - 1)), 0), width - 1)
