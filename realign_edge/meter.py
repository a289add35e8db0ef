"""Rate and time left of work that reports how far it is. Pure: the clock is an argument."""

from collections import deque

WINDOW_S = 30.0


class Meter:
    """Rate over the last half minute: work that resumes far in, or that changes its pace, is told truly.

    `total` 0 means that nobody knows how much there is. Times are seconds of one monotonic clock.
    """

    def __init__(self, total: int, unit: str, now: float) -> None:
        self.total, self.unit, self.began, self.done = total, unit, now, 0
        self._seen: deque[tuple[float, int]] = deque()

    def update(self, done: int, now: float) -> None:
        """`done` units are finished at `now`."""
        self.done = done
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Units per second; 0 while it is not known (before the second report)."""
        if len(self._seen) < 2:
            return 0.0
        (t0, n0), (t1, n1) = self._seen[0], self._seen[-1]
        return max(n1 - n0, 0) / (t1 - t0) if t1 > t0 else 0.0

    def describe(self) -> str:
        """How far, how fast, how long still: `500/1182 pairs  12.3/s  0:00:55 left`."""
        parts = [f"{self.done}/{self.total} {self.unit}" if self.total else f"{self.done} {self.unit}"]
        if self.rate:
            parts.append(_pace(self.rate))
            if self.total:
                parts.append(f"{clock((self.total - self.done) / self.rate)} left")
        return "  ".join(parts)


def _pace(rate: float) -> str:
    """Per second, or per minute where that would be a fraction."""
    return f"{rate:.1f}/s" if rate >= 0.95 else f"{rate * 60:.1f}/min"


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: `0:01:20`."""
    whole = max(round(seconds), 0)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
