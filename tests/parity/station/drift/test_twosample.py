"""The station's rank test against scipy's, and Wilson's interval against scipy's."""

import numpy as np
import pytest
from scipy import stats

from realign_edge.intervals import wilson_interval
from realign_edge.station.drift.twosample import first_is_smaller, ranks


@pytest.mark.parametrize("seed", range(12))
def test_mann_whitney_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 60, 2)
    x, y = rng.normal(-0.3, 1, n), rng.normal(0, 1, m)
    if seed % 2:
        # Many ties.
        x, y = np.round(x), np.round(y)
    if np.ptp(np.concatenate([x, y])) == 0:
        pytest.skip("all equal: scipy gives NaN")
    wanted = stats.mannwhitneyu(x, y, alternative="less", method="asymptotic")
    found = first_is_smaller(x, y)
    # Both are a few float64 operations and an error function on the same figures.
    assert found.p == pytest.approx(float(wanted.pvalue), rel=1e-9)
    assert found.probability == pytest.approx(1 - float(wanted.statistic) / (n * m), abs=1e-12)
    np.testing.assert_array_equal(ranks(np.concatenate([x, y])), stats.rankdata(np.concatenate([x, y])))


def test_a_tail_of_p_is_not_lost_to_rounding() -> None:
    x, y = np.arange(300.0), np.arange(300.0) + 280
    wanted = float(stats.mannwhitneyu(x, y, alternative="less", method="asymptotic").pvalue)
    assert first_is_smaller(x, y).p == pytest.approx(wanted, rel=1e-9)
    assert wanted < 1e-50


def test_without_data_or_difference_nothing_is_claimed() -> None:
    assert np.isnan(first_is_smaller([], [1.0]).p)
    assert (first_is_smaller([1.0] * 9, [1.0] * 4).p, first_is_smaller([1.0], [1.0]).probability) == (1.0, 0.5)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (57, 1000)])
def test_wilson_is_scipys(k: int, n: int) -> None:
    wanted = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    found = wilson_interval(k, n)
    assert (found.low, found.high) == pytest.approx((float(wanted.low), float(wanted.high)), abs=1e-12)
