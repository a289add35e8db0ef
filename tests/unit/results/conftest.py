"""Contents for rows, and a results file of a few."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.results.model import Disposition, Finding, Inspection, Neighbour, Reason, Refused
from realign_edge.results.store import Results


def make_inspection(i: int, verdict: Any = "PASS", **more: Any) -> Inspection:
    values: dict[str, Any] = {
        "sha256": f"{i:064x}",
        "name": f"line1/{i:03d}.jpg",
        "inspected_at": f"2026-04-01T08:{i // 60:02d}:{i % 60:02d}+00:00",
        "verdict": verdict,
        "reasons": (Reason("nothing_found", "No defect is to be seen. 欠陥なし"),),
        "description": "A steel bracket, brushed; no defect.",
        "part": "bracket",
        "findings": (Finding("scratch", "left", "a scratch", 0.5, 0.9),) if verdict != "PASS" else (),
        "neighbours": (Neighbour("a" * 64, "old/1.jpg", 0.93, "fine", "bracket", ("dent",), ("top",), "L1"),),
        "familiarity": 0.91,
        "confidence": 0.8,
        "bundle_id": "bundle-1",
        "model_sha256": "c" * 64,
        "latency_ms": 41.5,
        "operator": "Ito",
        "lot": f"L{i % 2}",
    }
    return Inspection(**{**values, **more})


@pytest.fixture
def inspection() -> Callable[..., Inspection]:
    """inspection(number, verdict, **fields)."""
    return make_inspection


@pytest.fixture
def decided() -> Callable[..., Disposition]:
    """decided(entry, decision, **fields) about the photo that `inspection(entry)` makes."""

    def make(entry: int, decision: Any = "overrule", **more: Any) -> Disposition:
        values = {"operator": "Sato", "decided_at": "2026-04-02T09:00:00+00:00"}
        return Disposition(entry=entry, sha256=f"{entry:064x}", decision=decision, **{**values, **more})

    return make


@pytest.fixture
def filled(home: Path, decided: Callable[..., Disposition]) -> Path:
    """A home whose results hold 6 rows: PASS, FAIL, REVIEW, a refused photo, PASS, and a person's overrule of row 1."""
    with Results.open(home, station="S1") as results:
        for i, verdict in enumerate(("PASS", "FAIL", "REVIEW"), 1):
            results.append(make_inspection(i, verdict))
        results.append(Refused("bad.jpg", "the file ends early", "2026-04-01T08:00:04+00:00", "f" * 64))
        results.append(make_inspection(5))
        results.append(decided(1, verdict="FAIL", reason="a dent at the edge", defects=("dent",), locations=("edge",)))
    return home
