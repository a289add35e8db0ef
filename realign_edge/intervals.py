"""A share with its interval. Every figure that a person is shown names its sample size and its interval."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval, from `n` photos."""

    value: float
    low: float
    high: float
    n: int
    confidence: float = 0.95


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p-value of wins against losses where both are equally likely; 1 for none of either."""
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1)) / 2**n
    return min(1.0, 2.0 * float(tail))


def wilson_interval(successes: int, n: int, z: float = 1.959963984540054) -> Interval:
    """Wilson's score interval (1927) of a share."""
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half), n)
