"""Numbers and times in the reader's words, as short as they can be read."""

import math
from datetime import datetime

from tui.words import Words

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def duration(words: Words, seconds: float | None) -> str:
    """`40 s`, `12 min`, `3 h 05 min`, `2 d 4 h`; a dash where it is not known."""
    if seconds is None or not math.isfinite(seconds):
        return words("common.nothing")
    seconds = max(seconds, 0.0)
    if seconds < 99.5:
        return words("dashboard.seconds", n=round(seconds))
    if seconds < 99.5 * _MINUTE:
        return words("dashboard.minutes", n=round(seconds / _MINUTE))
    if seconds < 2 * _DAY:
        hours, minutes = divmod(round(seconds / _MINUTE), 60)
        return words("dashboard.hours", h=hours, m=f"{minutes:02d}")
    days, hours = divmod(round(seconds / _HOUR), 24)
    return words("dashboard.days", d=days, h=hours)


def age(words: Words, seconds: float) -> str:
    """As `duration`, but for what is past nobody needs the minutes of hours: `2 h`, `3 d`."""
    if seconds < 99.5 * _MINUTE:
        return duration(words, seconds)
    if seconds < 2 * _DAY:
        return words("dashboard.whole_hours", h=round(seconds / _HOUR))
    return words("dashboard.whole_days", d=round(seconds / _DAY))


def clock(words: Words, at: float | None, now: float) -> str:
    """Local time of day, `14:32`; with its date on another day than today's; a dash where it is not known."""
    if at is None or not math.isfinite(at):
        return words("common.nothing")
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    return f"{then:%H:%M}" if then.date() == today.date() else words("dashboard.date", date=f"{then:%m-%d %H:%M}")


def rate(value: float | None) -> str:
    """Three figures: `0.52`, `21.2`, `4,706`."""
    if value is None or not math.isfinite(value):
        return "–"
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def gibs(value: float | None) -> str:
    """GiB with a decimal below ten: `0.9`, `64`."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def moment(at: float) -> str:
    """Local time of day with seconds: `14:32:05`."""
    return f"{datetime.fromtimestamp(at):%H:%M:%S}"


def bar(share: float, width: int) -> tuple[str, str]:
    """What is done and what is left of `width` cells, in halves: `━━━━╸` and `───`. share: in [0, 1]."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    done = "━" * (halves // 2) + "╸" * (halves % 2)
    return done, "─" * (width - len(done))
