"""CSV as spreadsheets open it."""

import csv
import io
from collections.abc import Callable

import pytest

from realign_edge.reports.language import words
from realign_edge.reports.model import InspectionReport
from realign_edge.reports.sheet import INSPECTION_COLUMNS, inspection_csv, safe


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1", "＋1", "\u3000=1", "|calc", "%0A=1"]
)
def test_a_formula_becomes_text(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "rust", "a=b", "3-4", "左端の傷", "L2600-001"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_a_line_for_every_photo_and_refused_file(make: Callable[..., InspectionReport]) -> None:
    report = make(300, site="x")
    text = inspection_csv(report, words("ja"))
    assert text.startswith("\ufeff") and text.endswith("\r\n")
    head, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert head[INSPECTION_COLUMNS.index("final")] == "最終判定"
    assert len(set(head)) == len(head) == len(INSPECTION_COLUMNS)
    assert len(rows) == len(report.rows) + len(report.refused) > 300
    finals = [row[INSPECTION_COLUMNS.index("final")] for row in rows]
    assert finals.count("検査できず") == len(report.refused) > 0
    assert finals.count("不合格") == report.summary.final["FAIL"].count
    assert rows[0][INSPECTION_COLUMNS.index("time")] == "2026-11-02 06:00:27"
