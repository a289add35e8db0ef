"""Pinned versions and OSV records: affected ones are found, and what was not compared is said so."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.audit import CONSTRAINTS, affected, main, pinned

PINS = {"numpy": "2.3.1", "pillow": "12.0.0"}


def record(name: str, **about: Any) -> dict[str, Any]:
    return {"id": "PYSEC-1", "summary": "bad", "affected": [{"package": {"ecosystem": "PyPI", "name": name}, **about}]}


def span(*events: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"type": "ECOSYSTEM", "events": [{kind: version} for kind, version in events]}]


@pytest.mark.parametrize(
    ("given", "hit"),
    [
        (record("NumPy", versions=["2.3.1"]), True),
        (record("numpy", versions=["2.3.0"]), False),
        (record("numpy", ranges=span(("introduced", "0"), ("fixed", "2.3.2"))), True),
        (record("numpy", ranges=span(("introduced", "0"), ("fixed", "2.3.1"))), False),
        (record("numpy", ranges=span(("introduced", "2.4"))), False),
        (record("numpy", ranges=span(("introduced", "0"), ("fixed", "1"), ("introduced", "2"))), True),
        (record("numpy", ranges=span(("introduced", "0"), ("last_affected", "2.3.1"))), True),
        (record("numpy", ranges=span(("introduced", "0"), ("last_affected", "2.3.0"))), False),
        (record("numpy", ranges=[{"type": "GIT", "events": [{"introduced": "0"}]}]), False),
        (record("torch", versions=["2.3.1"]), False),
        ({**record("numpy", versions=["2.3.1"]), "withdrawn": "2026-01-01"}, False),
    ],
)
def test_a_record_speaks_of_versions(given: dict[str, Any], hit: bool) -> None:
    assert bool(list(affected(given, PINS))) is hit


def test_every_pin_is_read() -> None:
    lines = [line for line in CONSTRAINTS.read_text().splitlines() if "==" in line and not line.startswith("#")]
    assert len(pinned(CONSTRAINTS.read_text())) == len(lines)


def test_without_records_it_says_that_nothing_was_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["audit", "--osv", str(tmp_path)])
    assert main() == 3
    assert "nothing was compared" in capsys.readouterr().out
    name, version = next(iter(pinned(CONSTRAINTS.read_text()).items()))
    (tmp_path / "a.json").write_text(json.dumps({**record(name, versions=[version]), "modified": "2026-11-01"}))
    assert main() == 1
    assert "the newest of 2026-11-01" in capsys.readouterr().out
