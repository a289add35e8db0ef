"""What a person may decide, and what is asked back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.errors import UsageError
from realign_edge.results.store import Results


@pytest.fixture
def rows(home: Path, inspection: Callable[..., Any]) -> Path:
    """PASS, FAIL, and a REVIEW that claims a scratch."""
    with Results.open(home) as results:
        for i, verdict in enumerate(("PASS", "FAIL", "REVIEW"), 1):
            results.append(inspection(i, verdict))
    return home


@pytest.mark.parametrize(
    ("entry", "decision", "more"),
    [
        (1, "agree", {}),
        (1, "agree", {"verdict": "PASS"}),
        (1, "overrule", {"verdict": "FAIL", "reason": "a dent", "defects": ("dent",), "locations": ("top",)}),
        (1, "overrule", {"verdict": "FAIL", "reason": "a dent", "note": "A dent at the top."}),
        (2, "overrule", {"verdict": "PASS", "reason": "a shadow"}),
        (2, "overrule", {"verdict": "FAIL", "reason": "another defect", "defects": ("rust",)}),
        (3, "agree", {"verdict": "FAIL"}),
        (3, "overrule", {"verdict": "PASS", "reason": "a shadow"}),
        (3, "retake", {}),
    ],
)
def test_taken(rows: Path, decided: Callable[..., Any], entry: int, decision: str, more: dict[str, Any]) -> None:
    with Results.open(rows) as results:
        results.append(decided(entry, decision, **more))
        assert results.verify() == []


@pytest.mark.parametrize(
    ("entry", "decision", "more", "words"),
    [
        (9, "agree", {}, "row 9 is not there"),
        (1, "agree", {"sha256": "0" * 64}, "another photo"),
        (1, "agree", {"operator": " "}, "nobody is named"),
        (1, "agree", {"verdict": "FAIL"}, "the station said PASS"),
        (3, "agree", {}, "is a REVIEW"),
        (1, "overrule", {"reason": "x", "defects": ("dent",)}, "no verdict is named"),
        (1, "overrule", {"verdict": "FAIL", "defects": ("dent",)}, "no reason"),
        (1, "overrule", {"verdict": "FAIL", "reason": "x"}, "says what is to be seen"),
        (1, "overrule", {"verdict": "PASS", "reason": "x"}, "the station said PASS, too"),
        (2, "overrule", {"verdict": "PASS", "reason": "x", "defects": ("dent",)}, "a PASS has no defects"),
        (3, "retake", {"verdict": "PASS"}, "has no verdict"),
        (1, "overrule", {"verdict": "FAIL", "reason": "x", "note": "n", "locations": ("top",)}, "more locations"),
        (1, "agree", {"note": "x" * 20_001}, "longer than"),
    ],
)
def test_asked_back(
    rows: Path, decided: Callable[..., Any], entry: int, decision: str, more: dict[str, Any], words: str
) -> None:
    from dataclasses import replace

    said = replace(decided(entry, decision), **more)
    with Results.open(rows) as results:
        with pytest.raises(UsageError, match=words):
            results.append(said)
        assert results.head().entries == 3


def test_only_inspections_are_decided_about(filled: Path, decided: Callable[..., Any]) -> None:
    from dataclasses import replace

    with Results.open(filled) as results:
        for entry in (4, 6):
            with pytest.raises(UsageError, match="is no inspection"):
                results.append(replace(decided(entry, "agree"), sha256="f" * 64))
