"""The figures of an inspection report, counted by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.verdicts import entries
from realign_edge.reports import figures
from realign_edge.reports.model import Final, InspectionReport, Row
from realign_edge.results.model import Disposition, Entry, Inspection, Verdict

_BASE = next(e.content for e in entries(1) if isinstance(e.content, Inspection))


def _row(number: int, final: Final, serial: str = "", defects: tuple[str, ...] = ()) -> Row:
    verdict: Verdict = "REVIEW" if final == "RETAKE" else final
    findings = tuple(replace(f, defect=d) for d in defects for f in _BASE.findings[:1])
    found = replace(_BASE, sha256=f"{number:064x}", verdict=verdict, serial=serial, findings=findings)
    return Row(number, found, (), final)


def test_the_yield_leaves_out_what_is_open() -> None:
    found = figures.passed(["PASS", "PASS", "FAIL", "REVIEW", "RETAKE"])
    assert (found.count, found.of) == (2, 3)


@pytest.mark.parametrize(
    ("finals", "count", "of"),
    [
        ([("a", "PASS"), ("a", "FAIL"), ("b", "PASS")], 1, 2),
        ([("a", "PASS"), ("a", "REVIEW")], 0, 0),
        ([("a", "FAIL"), ("a", "REVIEW")], 0, 1),
    ],
)
def test_the_worst_photo_stands_for_a_part(finals: list[tuple[str, Final]], count: int, of: int) -> None:
    found = figures.parts([_row(i, final, serial) for i, (serial, final) in enumerate(finals)])
    assert found is not None
    assert (found.count, found.of) == (count, of)


def test_without_a_serial_for_every_photo_parts_are_not_counted() -> None:
    assert figures.parts([_row(1, "PASS", "a"), _row(2, "PASS")]) is None
    assert figures.parts([]) is None


def test_a_photo_counts_once_for_each_defect() -> None:
    rows = [
        _row(1, "FAIL", defects=("rust", "dent")), _row(2, "FAIL", defects=("rust",)),
        _row(3, "REVIEW", defects=("dent",)), _row(4, "PASS", defects=("chip",)), _row(5, "FAIL"),
    ]  # fmt: skip
    if not _BASE.findings:
        pytest.skip("the seed gives no finding to copy")
    found = {d.defect: (d.failed, d.open) for d in figures.defect_counts(rows)}
    assert found == {"rust": (2, 0), "dent": (1, 1), "": (1, 0)}
    assert figures.defect_counts(rows)[0].defect == "rust"


@pytest.mark.parametrize(
    ("days", "photos", "step"),
    [(0.4, 100, "hour"), (0.4, 8, "day"), (20, 400, "day"), (200, 400, "week"), (2000, 900, "month")],
)
def test_every_photo_is_in_one_period(days: float, photos: int, step: str) -> None:
    start = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)
    times = [start + timedelta(days=days * i / photos) for i in range(photos)]
    found = figures.trend([_row(i, "PASS") for i in range(photos)], times)
    assert found.step == step
    assert sum(sum(p.counts.values()) for p in found.periods) == photos
    starts = [p.start for p in found.periods]
    assert starts == sorted(set(starts))


def test_a_clock_that_was_years_wrong_does_not_make_a_thousand_bars() -> None:
    times = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]
    assert len(figures.trend([_row(i, "PASS") for i in range(3)], times).periods) == 2


def test_a_persons_verdict_stands_and_the_stations_stays_visible(make: Callable[..., InspectionReport]) -> None:
    when = "2026-11-03T10:00:00+00:00"
    first = replace(_BASE, verdict="FAIL", inspected_at="2026-11-03T09:00:00+00:00")
    said = Disposition(1, first.sha256, "overrule", "mori", when, "PASS", "reflection")
    report = make([Entry(1, first, "", "a" * 64), Entry(2, said, "a" * 64, "b" * 64)])
    assert report.summary.station["FAIL"].count == report.summary.final["PASS"].count == 1
    assert report.rows[0].defects == ()
    assert report.summary.people["overrule"].count == 1
    retake = Disposition(1, first.sha256, "retake", "mori", when)
    again = make([Entry(1, first, "", "a" * 64), Entry(2, said, "", "b"), Entry(3, retake, "", "c" * 64)])
    assert again.rows[0].final == "RETAKE"
    assert again.summary.passed.of == 0
    assert again.origin.chain.head == "c" * 64
