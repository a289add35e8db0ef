"""The JSON form, and the document that describes it."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from realign_edge.reports.model import InspectionReport
from realign_edge.reports.plain import inspection_json

_DOCUMENT = Path(__file__).parents[3] / "docs" / "reports.md"
# Below these, names are data.
_OPEN = {"bundles", "thresholds"}
_VERDICTS = {"PASS", "FAIL", "REVIEW", "RETAKE", "agree", "overrule", "retake"}


def _keys(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if key not in _OPEN and name not in _VERDICTS:
                yield name
            yield from _keys(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item, key)


def test_every_key_is_documented(make: Callable[..., InspectionReport]) -> None:
    value = json.loads(inspection_json(make(300, thresholds=lambda _: {"familiarity": 0.6})))
    named = set(re.findall(r"`(\w+)`", _DOCUMENT.read_text(encoding="utf-8")))
    assert not set(_keys(value)) - named


def test_what_the_station_recorded_is_there_as_it_was(make: Callable[..., InspectionReport]) -> None:
    report = make(60)
    value = json.loads(inspection_json(report))
    assert value["schema"] == "realign-edge/inspection-report/1"
    for row, photo in zip(report.rows, value["photos"], strict=True):
        found = row.inspection
        assert (photo["row"], photo["final"], photo["verdict"]) == (row.number, row.final, found.verdict)
        assert photo["neighbours"][0]["similarity"] == found.neighbours[0].similarity
        assert [f["phrase"] for f in photo["findings"]] == [f.phrase for f in found.findings]


def test_what_was_not_counted_is_null(make: Callable[..., InspectionReport]) -> None:
    passed = json.loads(inspection_json(make(0)))["summary"]["passed"]
    assert passed == {"count": 0, "of": 0, "value": None, "low": None, "high": None}
