"""Intervals and tests. Every figure that a person is shown names its sample size and its interval."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realign_edge.intervals import Interval, sign_test, wilson_interval

__all__ = [
    "Interval",
    "bootstrap_weights",
    "difference_interval",
    "mcnemar_exact",
    "ratio_interval",
    "seeds_difference_interval",
    "wilson_interval",
]

Counts = NDArray[np.float64]


def bootstrap_weights(n: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each of n photos is drawn in each resample, (resamples, n); Efron 1979."""
    rng = np.random.default_rng([seed, 41])
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def ratio_interval(top: Counts, bottom: Counts, weights: Counts, confidence: float = 0.95) -> Interval:
    """A ratio of sums over photos; top, bottom: (n,); weights: (resamples, n)."""
    return _interval(_ratio(top, bottom), _ratios(top, bottom, weights), len(top), confidence)


def difference_interval(
    before: tuple[Counts, Counts], after: tuple[Counts, Counts], weights: Counts, confidence: float = 0.95
) -> Interval:
    """after - before of a ratio of sums, paired: both are taken over the same resampled photos."""
    value = _ratio(*after) - _ratio(*before)
    return _interval(value, _ratios(*after, weights) - _ratios(*before, weights), len(before[0]), confidence)


def seeds_difference_interval(
    before: Sequence[tuple[Counts, Counts]],
    after: Sequence[tuple[Counts, Counts]],
    weights: Counts,
    seed: int,
    relative: bool = False,
) -> Interval:
    """Two-level bootstrap over training seeds and photos: the mean over seeds of after - before.

    after: one pair of (n,) counts per seed; before: one pair for all seeds (the base model), or one per seed
    (another recipe, paired seed by seed). With `relative`, the change is a share of before.
    """
    old, new = (np.stack([_ratios(*counts, weights) for counts in runs]) for runs in (before, after))
    rng = np.random.default_rng([seed, 43])
    drawn = rng.integers(0, len(after), (len(weights), len(after)))
    start, change = (
        np.take_along_axis(np.broadcast_to(runs, new.shape).T, drawn, axis=1).mean(axis=1) for runs in (old, new - old)
    )
    first, last = (float(np.mean([_ratio(*counts) for counts in runs])) for runs in (before, after))
    if relative:
        return _interval((last - first) / first, change / start, len(before[0][0]), 0.95)
    return _interval(last - first, change, len(before[0][0]), 0.95)


def _ratio(top: Counts, bottom: Counts) -> float:
    total = float(bottom.sum())
    return float(top.sum()) / total if total else float("nan")


def _ratios(top: Counts, bottom: Counts, weights: Counts) -> Counts:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ top) / (weights @ bottom))


def _interval(value: float, resampled: Counts, n: int, confidence: float) -> Interval:
    usable = resampled[np.isfinite(resampled)]
    if not len(usable):
        return Interval(value, float("nan"), float("nan"), n, confidence)
    tail = (1 - confidence) / 2
    low, high = np.quantile(usable, (tail, 1 - tail))
    return Interval(value, float(low), float(high), n, confidence)


def mcnemar_exact(before_right: NDArray[np.bool_], after_right: NDArray[np.bool_]) -> float:
    """Two-sided exact p-value of McNemar's test (1947) on paired right/wrong outcomes, (n,) each."""
    return sign_test(int((~before_right & after_right).sum()), int((before_right & ~after_right).sum()))
