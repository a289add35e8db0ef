"""Pinned versions and OSV records: affected ones are found, and what was not compared is said so."""

import json
import sys
import zipfile
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
        (record("numpy", ranges=span(("fixed", "1"), ("introduced", "2"), ("introduced", "0"))), True),
        (record("numpy", ranges=span(("fixed", "2.3"), ("introduced", "2"), ("introduced", "0"))), False),
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


def test_export_is_read_as_it_comes_and_what_is_no_record_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As osv.dev has it: many records of other packages, malicious ones without ranges, some fields absent."""
    strange: dict[str, Any] = {
        "GHSA-1.json": {**record("torch", ranges=span(("introduced", "0"), ("fixed", "1.13.1"))), "id": "GHSA-1"},
        "MAL-2.json": {**record("numpyy", versions=["1"]), "id": "MAL-2"},
        "PYSEC-3.json": {"id": "PYSEC-3", "modified": "2026-11-20T00:00:00Z", "affected": [{}, {"versions": None}]},
        "GHSA-4.json": [1, 2],
        "GHSA-5.json": {"id": "GHSA-5"},
    }
    export = tmp_path / "all.zip"
    with zipfile.ZipFile(export, "w") as archive:
        for name, content in strange.items():
            archive.writestr(name, json.dumps(content))
        archive.writestr("broken.json", "{")
    monkeypatch.setattr(sys, "argv", ["audit", "--osv", str(export)])
    assert main() == 0
    said = capsys.readouterr().out
    assert "3 files are no records of OSV and were left out, the first GHSA-4.json" in said
    assert "3 records, the newest of 2026-11-20T00:00:00Z, 0 packages affected" in said


@pytest.mark.parametrize("kind", ["absent", "no archive"])
def test_what_cannot_be_read_is_no_good_news(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "all.zip"
    if kind == "no archive":
        place.write_text("<html>")
    monkeypatch.setattr(sys, "argv", ["audit", "--osv", str(place)])
    assert main() == 3
    assert f"nothing was compared: {place} cannot be read" in capsys.readouterr().out
