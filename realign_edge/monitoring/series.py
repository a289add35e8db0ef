"""A curve of bounded size: however many points come in, the lowest and the highest of every stretch stay."""

from realign_edge.monitoring.model import MOST_POINTS, Point


class Series:
    """Points (x, y) in stretches of equal width; the width doubles whenever there are too many stretches.

    Points may come in any order; the usual one, x growing, is the quick one. most: of the points that are given
    back: two a stretch and the newest.
    """

    def __init__(self, most: int = MOST_POINTS) -> None:
        self._most = (most - 1) // 2
        self._width = 1
        # Stretch number to its lowest and its highest point.
        self._found: dict[int, tuple[Point, Point]] = {}
        self._newest: Point | None = None
        # The last stretch, and the points of all before it in order; None where these must be put in order anew.
        self._open = -1
        self._closed: list[Point] | None = []

    def add(self, x: int, y: float) -> None:
        """One more point, x not negative."""
        point = (float(x), y)
        if self._newest is None or x >= self._newest[0]:
            self._newest = point
        key = x // self._width
        if key > self._open:
            self._begin(key)
        elif key < self._open:
            self._closed = None
        lowest, highest = self._found.get(key, (point, point))
        self._found[key] = (point if y < lowest[1] else lowest, point if y > highest[1] else highest)
        while len(self._found) > self._most:
            self._widen()

    @property
    def last(self) -> float | None:
        """The value at the largest x, the one added last of equal ones."""
        return None if self._newest is None else self._newest[1]

    def points(self) -> tuple[Point, ...]:
        """In order of x."""
        if self._newest is None:
            return ()
        if self._closed is None:
            self._closed = [p for key in sorted(self._found)[:-1] for p in sorted(set(self._found[key]))]
        return (*self._closed, *sorted({*self._found[self._open], self._newest}))

    def _begin(self, key: int) -> None:
        """A new last stretch; the one before it no longer changes, as long as points come in order."""
        if self._closed is not None and self._open in self._found:
            self._closed += sorted(set(self._found[self._open]))
        self._open = key

    def _widen(self) -> None:
        self._width *= 2
        self._open //= 2
        self._closed = None
        merged: dict[int, tuple[Point, Point]] = {}
        for key, pair in self._found.items():
            both = (*merged.get(key // 2, pair), *pair)
            merged[key // 2] = (min(both, key=_value), max(both, key=_value))
        self._found = merged


def _value(point: Point) -> float:
    return point[1]
