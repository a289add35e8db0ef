"""The figures of an inspection report: shares with intervals, defects by frequency, the course over time."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from realign_edge.intervals import wilson_interval
from realign_edge.reports.model import FINALS, DefectCount, Final, Period, Row, Share, Trend

Step = Literal["hour", "day", "week", "month"]
DECISIONS = ("agree", "overrule", "retake")
# The trend has at most about this many bars, and about this many photos a bar where it has more than one.
_MOST_PERIODS, _LEAST_A_PERIOD = 45, 4


def share(count: int, of: int) -> Share:
    """`count` of `of` with Wilson's score interval (Wilson 1927)."""
    found = wilson_interval(count, of)
    return Share(count, of, found.value, found.low, found.high)


def shares(verdicts: Iterable[Final]) -> dict[Final, Share]:
    """How many of each, of all."""
    counts = Counter(verdicts)
    return {verdict: share(counts[verdict], counts.total()) for verdict in FINALS}


def passed(verdicts: Iterable[Final]) -> Share:
    """PASS of PASS and FAIL: what nobody has decided, and what is photographed again, does not count."""
    counts = Counter(verdicts)
    return share(counts["PASS"], counts["PASS"] + counts["FAIL"])


def parts(rows: Sequence[Row]) -> Share | None:
    """`passed` over serial numbers: the worst of a part's photos stands for it. None unless all have a serial.

    A part of which a photo is undecided does not count, unless another shows that it fails.
    """
    if not rows or not all(row.inspection.serial for row in rows):
        return None
    found: dict[tuple[str, str], set[Final]] = {}
    for row in rows:
        found.setdefault((row.inspection.lot, row.inspection.serial), set()).add(row.final)
    return passed(worst(verdicts) for verdicts in found.values())


def worst(verdicts: set[Final]) -> Final:
    """FAIL before REVIEW before RETAKE before PASS."""
    order: tuple[Final, ...] = ("FAIL", "REVIEW", "RETAKE", "PASS")
    return next(v for v in order if v in verdicts)


def people(rows: Sequence[Row]) -> dict[str, Share]:
    """What people decided, of all photos that they decided on."""
    counts: Counter[str] = Counter(row.decided.decision for row in rows if row.decided is not None)
    return {decision: share(counts[decision], counts.total()) for decision in DECISIONS}


def defect_counts(rows: Sequence[Row]) -> tuple[DefectCount, ...]:
    """Photos per defect, most frequent first; a photo counts once for each defect that it shows.

    "" stands for photos that a person failed without naming a defect.
    """
    failed: Counter[str] = Counter()
    suspected: Counter[str] = Counter()
    for row in rows:
        names = {defect for defect, _ in row.defects}
        if row.final == "FAIL":
            failed.update(names or {""})
        elif row.final == "REVIEW":
            suspected.update(names)
    order = sorted(failed.keys() | suspected.keys(), key=lambda d: (-failed[d], -suspected[d], d))
    return tuple(DefectCount(defect, failed[defect], suspected[defect]) for defect in order)


def trend(rows: Sequence[Row], times: Sequence[datetime]) -> Trend:
    """Verdicts by hour, day, week or month, whichever gives few enough bars; times: of each row, in one zone."""
    if not rows:
        return Trend("day", ())
    step = _step(max(times) - min(times), len(rows))
    groups: dict[datetime, list[Final]] = {}
    for row, time in zip(rows, times, strict=True):
        groups.setdefault(_start(time, step), []).append(row.final)
    starts = _all_starts(min(groups), max(groups), step) or sorted(groups)
    return Trend(step, tuple(_period(start, groups.get(start, [])) for start in starts))


def _period(start: datetime, verdicts: Sequence[Final]) -> Period:
    counts = Counter(verdicts)
    failed = share(counts["FAIL"], counts["PASS"] + counts["FAIL"])
    return Period(start, {verdict: counts[verdict] for verdict in FINALS}, failed)


def _step(span: timedelta, photos: int) -> Step:
    limits: tuple[tuple[Step, timedelta], ...] = (
        ("hour", timedelta(hours=1)),
        ("day", timedelta(days=1)),
        ("week", timedelta(weeks=1)),
    )
    most = min(_MOST_PERIODS, max(photos // _LEAST_A_PERIOD, 1))
    return next((name for name, length in limits if span <= most * length), "month")


def _start(time: datetime, step: Step) -> datetime:
    if step == "hour":
        return time.replace(minute=0, second=0, microsecond=0)
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _all_starts(first: datetime, last: datetime, step: Step) -> list[datetime]:
    """Every period between, also those without a photo, so that a pause is seen as one.

    Nothing where a clock that is years wrong would make more of them than one can draw.
    """
    found = [first]
    while found[-1] < last:
        found.append(_next(found[-1], step))
        if len(found) > 400:
            return []
    return found


def _next(start: datetime, step: Step) -> datetime:
    if step == "month":
        return (start + timedelta(days=32)).replace(day=1)
    return start + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[step]
