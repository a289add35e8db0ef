"""Rows joined, filtered and counted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from benchmarks.verdicts import entries
from realign_edge.errors import UsageError
from realign_edge.reports.inspection import moment
from realign_edge.reports.model import InspectionReport
from realign_edge.results.model import Disposition, Entry, Inspection

Make = Callable[..., InspectionReport]


def test_nothing_makes_a_report_too(make: Make) -> None:
    report = make(0)
    assert report.summary.photos == 0 and report.heading.begins is None
    assert report.heading.number == "IR-20261125-0"


def test_days_are_inclusive_and_in_the_reports_zone(make: Make) -> None:
    """2026-11-02T15:30 UTC is the third of November in Tokyo."""
    tokyo = ZoneInfo("Asia/Tokyo")
    everything = make(600, zone=tokyo)
    some = make(600, {"since": "2026-11-03", "until": "2026-11-04"}, zone=tokyo)
    days = {moment(row.inspection.inspected_at, tokyo).date().isoformat() for row in some.rows}  # type: ignore[union-attr]
    assert days == {"2026-11-03", "2026-11-04"}
    assert 0 < some.summary.photos < everything.summary.photos
    assert some.origin.chain == everything.origin.chain  # of the whole file
    assert some.heading.number != everything.heading.number


def test_a_lot_leaves_out_refused_files_which_belong_to_none(make: Make) -> None:
    report = make(300, {"lot": "L2602"})
    assert report.heading.lots == ("L2602",)
    assert report.refused == () and make(300).refused != ()


def test_a_verdict_narrows_the_table_and_not_the_figures(make: Make) -> None:
    everything, failed = make(300), make(300, {"verdict": "FAIL"})
    assert {row.final for row in failed.rows} == {"FAIL"}
    assert failed.summary == everything.summary


@pytest.mark.parametrize(
    "filters",
    [
        {"since": "yesterday"},
        {"until": "2026-13-01"},
        {"since": "2026-02-02", "until": "2026-02-01"},
        {"verdict": "OK"},
    ],
)
def test_filters_that_make_no_sense_are_refused(make: Make, filters: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        make(3, filters)


def test_the_later_inspection_of_a_photo_stands_for_it(make: Make) -> None:
    first = next(e.content for e in entries(1) if isinstance(e.content, Inspection))
    later = replace(first, bundle_id="another", verdict="PASS")
    said = Disposition(1, first.sha256, "overrule", "mori", "2026-11-03T00:00:00+00:00", "FAIL", "seen")
    report = make([Entry(1, first, "", "a"), Entry(2, later, "a", "b"), Entry(3, said, "b", "c")])
    assert [row.number for row in report.rows] == [2]
    assert (report.summary.photos, report.summary.superseded) == (1, 1)
    assert report.rows[0].dispositions == ()  # it was about the earlier one


@pytest.mark.parametrize("text", ["", "yesterday", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_hides_nothing(make: Make, text: str) -> None:
    assert moment(text, ZoneInfo("Asia/Tokyo")) is None or text.startswith("0001")
    first = next(e.content for e in entries(1) if isinstance(e.content, Inspection))
    report = make(
        [Entry(1, replace(first, inspected_at=text), "", "a")], {"since": "2026-01-01", "until": "2099-01-01"}
    )
    assert text.startswith("0001") or len(report.rows) == 1


def test_thresholds_are_those_of_the_newest_bundle(make: Make) -> None:
    report = make(5, thresholds=lambda bundle: {f"of {bundle}": 0.5})
    assert report.origin.thresholds == {"of 20261101-7f3a": 0.5}


def test_a_naive_time_is_utc() -> None:
    assert moment("2026-04-01T00:00:00", UTC) == moment("2026-04-01T09:00:00+09:00", UTC)
