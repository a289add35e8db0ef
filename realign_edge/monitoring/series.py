"""A curve of bounded size: however many points come in, the lowest and the highest of every stretch stay."""

from realign_edge.monitoring.model import MOST_POINTS, Point


class Series:
    """Points (x, y) in stretches of equal width; the width doubles whenever there are too many stretches.

    Points may come in any order. most: of the points that are given back; two a stretch and the newest.
    """

    def __init__(self, most: int = MOST_POINTS) -> None:
        self._most = (most - 1) // 2
        self._width = 1
        # Stretch number to its lowest and its highest point.
        self._found: dict[int, tuple[Point, Point]] = {}
        self._newest: Point | None = None
        self._made: tuple[Point, ...] | None = ()

    def add(self, x: int, y: float) -> None:
        """One more point."""
        point = (float(x), y)
        if self._newest is None or x >= self._newest[0]:
            self._newest = point
        key, self._made = x // self._width, None
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
        if self._made is None:
            kept = {p for pair in self._found.values() for p in pair}
            if self._newest is not None:
                kept.add(self._newest)
            self._made = tuple(sorted(kept))
        return self._made

    def _widen(self) -> None:
        self._width *= 2
        merged: dict[int, tuple[Point, Point]] = {}
        for key, pair in self._found.items():
            both = (*merged.get(key // 2, pair), *pair)
            merged[key // 2] = (min(both, key=_value), max(both, key=_value))
        self._found = merged


def _value(point: Point) -> float:
    return point[1]
