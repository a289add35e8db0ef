"""Do two samples differ? A rank test for numbers, exact tests for shares, without scipy, for the station."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Smaller:
    """p: one-sided; probability: that a random one of the first sample is smaller than one of the second, ties half."""

    p: float
    probability: float


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, equal values share the mean of theirs; values: (n,) float64."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], np.float64)


def first_is_smaller(first: ArrayLike, second: ArrayLike) -> Smaller:
    """Mann and Whitney's test (1947) that `first` is stochastically smaller than `second`, (n,) and (m,) numbers.

    Normal approximation with the correction for ties (Lehmann, "Nonparametrics", 1975, section 1.4) and for
    continuity; the probability is Vargha and Delaney's A (2000). p is NaN where a sample is empty, and 1 where all
    values are equal. The test takes photos as independent; those of one lot are alike, which makes p too small.
    """
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    n, m = len(x), len(y)
    if not n or not m:
        return Smaller(math.nan, math.nan)
    both = np.concatenate([x, y])
    u = float(ranks(both)[:n].sum()) - n * (n + 1) / 2
    _, ties = np.unique(both, return_counts=True)
    total = n + m
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (total * (total - 1))
    spread = math.sqrt(n * m / 12 * (total + 1 - tied))
    z = (u - n * m / 2 + 0.5) / spread if spread else math.inf
    return Smaller(0.5 * math.erfc(-z / math.sqrt(2)), 1 - u / (n * m))


def is_more_frequent(now: int, of_now: int, then: int, of_then: int) -> float:
    """p of Fisher's exact test (1934), one-sided: is `now` of `of_now` a larger share than `then` of `of_then`?

    The probability, all margins given, of at least so many now. NaN where a sample is empty.
    """
    if not of_now or not of_then:
        return math.nan
    found, both = now + then, of_now + of_then
    ways = (_ways(of_now, k) + _ways(of_then, found - k) for k in range(now, min(found, of_now) + 1))
    return min(1.0, math.fsum(math.exp(w - _ways(both, found)) for w in ways))


def is_above(count: int, of: int, share: float) -> float:
    """p of the exact binomial test, one-sided: at least `count` of `of`, were the true share in (0, 1) `share`?

    NaN where there is nothing.
    """
    if not of:
        return math.nan
    yes, no = math.log(share), math.log1p(-share)
    return min(1.0, math.fsum(math.exp(_ways(of, k) + k * yes + (of - k) * no) for k in range(count, of + 1)))


def _ways(of: int, count: int) -> float:
    """log of the binomial coefficient."""
    return math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
