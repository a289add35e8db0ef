"""A bounded curve keeps what matters of any number of points."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from realign_edge.monitoring.model import MOST_POINTS
from realign_edge.monitoring.series import Series

POINTS = st.lists(st.tuples(st.integers(0, 100_000), st.floats(-1e6, 1e6)), min_size=1, max_size=300)


@settings(deadline=None)
@given(POINTS, st.integers(5, 40))
def test_lowest_highest_and_newest_stay_and_the_number_is_bounded(points: list[tuple[int, float]], most: int) -> None:
    series = Series(most)
    for x, y in points:
        series.add(x, y)
    kept = series.points()
    assert len(kept) <= most
    assert set(kept) <= {(float(x), y) for x, y in points}
    assert min(y for _, y in kept) == min(y for _, y in points)
    assert max(y for _, y in kept) == max(y for _, y in points)
    newest = max(x for x, _ in points)
    assert kept[-1][0] == newest
    assert series.last == [y for x, y in points if x == newest][-1]
    assert list(kept) == sorted(kept)


@settings(deadline=None)
@given(st.permutations([(x, float(x * 7919 % 101)) for x in range(60)]))
def test_the_order_that_points_come_in_does_not_matter(points: list[tuple[int, float]]) -> None:
    forth, back = Series(20), Series(20)
    for x, y in points:
        forth.add(x, y)
    for x, y in sorted(points):
        back.add(x, y)
    assert forth.points() == back.points()


def test_few_points_are_all_kept_and_a_spike_in_a_million_is_seen() -> None:
    series = Series()
    assert (series.points(), series.last) == ((), None)
    for x in range(900):
        series.add(x, math.sin(x))
    assert len(series.points()) == 900
    for x in range(900, 200_000):
        series.add(x, 9.0 if x == 123_456 else 0.0)
    assert (123_456.0, 9.0) in series.points()
    assert len(series.points()) <= MOST_POINTS
