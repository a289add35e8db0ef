"""The real command: results are listed, decided about, checked, exported and backed up; a watcher is killed."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from realign_edge.files import sha256_file
from realign_edge.results.model import Finding, Inspection, Reason
from realign_edge.results.store import Results

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


def inspection(photo: Path, verdict: Any) -> Inspection:
    findings = (Finding("scratch", "left", "a scratch", 0.5, 0.9),) if verdict != "PASS" else ()
    about = (sha256_file(photo), photo.name, "2026-04-01T08:00:00+00:00", verdict, (Reason("r", "Why so."),))
    return Inspection(*about, "A bracket.", "bracket", findings, (), 0.9, 0.8, "b1", "m" * 64, 41.0, lot="L7")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        Image.new("RGB", (40, 30), (80 * i, 100, 100)).save(folder / f"{i}.jpg")
    return folder


@pytest.fixture
def station(home: Path, photos: Path) -> Path:
    """A home with a PASS, a FAIL and a REVIEW."""
    with Results.open(home, "S1") as results:
        for i, verdict in enumerate(("PASS", "FAIL", "REVIEW")):
            results.append(inspection(photos / f"{i}.jpg", verdict))
    return home


def test_the_loop_from_a_verdict_to_a_record(station: Path, photos: Path, tmp_path: Path, command: Command) -> None:
    listed = json.loads(command("results", "list", "--review", "--json").stdout)
    assert [r["row"] for r in listed["rows"]] == [3]
    dent = ("--verdict", "FAIL", "--defects", "dent", "--reason", "missed")
    for words in ((3, "agree", "--verdict", "FAIL"), (1, "overrule", *dent)):
        done = command("results", "decide", *map(str, words), "--operator", "Ito")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert command("results", "list", "--review").stderr == "nothing waits for a decision\n"
    shown = command("results", "show", "1").stdout
    assert "overrule FAIL by Ito: missed; dent" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    exported = command("results", "export", tmp_path / "corrections", "--photos", photos, "--json")
    assert json.loads(exported.stdout)["rows"] == 2
    assert len((tmp_path / "corrections" / "records.csv").read_text().splitlines()) == 3


def test_whole_and_not_whole(station: Path, tmp_path: Path, command: Command) -> None:
    whole = command("results", "verify")
    assert (whole.returncode, whole.stdout[:14]) == (0, "whole: 3 rows,")
    head = whole.stdout.split()[-1]
    saved = command("results", "backup", tmp_path / "b.sqlite", "--json")
    assert json.loads(saved.stdout)["rows"] == 3
    with closing(sqlite3.connect(station / "results.sqlite")) as db:
        trigger = db.execute("SELECT sql FROM sqlite_master WHERE name = 'entries_never_change'").fetchone()[0]
        db.executescript("DROP TRIGGER entries_never_change")
        db.execute("UPDATE entries SET content = replace(content, 'FAIL', 'PASS') WHERE number = 2")
        db.execute(trigger)
        db.commit()
    broken = command("results", "verify")
    assert broken.returncode == 1
    assert broken.stdout == "row 2 is not as it was written: its hash is another one\n"
    assert command("results", "verify", "--results", tmp_path / "b.sqlite", "--expect", head).returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("results", "show", "9"), 3, "there is no row 9"),
        (("results", "decide", "1", "agree"), 2, "--operator"),
        (("results", "decide", "1", "maybe", "--operator", "Ito"), 2, "unknown decision `maybe`"),
        (("results", "decide", "9", "agree", "--operator", "Ito"), 3, "there is no row 9"),
        (("results", "list", "--verdict", "GOOD"), 2, "unknown verdict"),
        (("results", "list", "--since", "yesterday"), 2, "is no day or time"),
        (("results", "verify", "--expect", "3"), 2, "is no head"),
        (("results", "export", "out"), 3, "nobody has overruled"),
        (("drift",), 3, "no bundle is installed"),
        (("inspect", "--watch", ".", "--done", ".."), 2, "which holds the watched folder"),
        (("inspect", "--watch", "nowhere"), 3, "no folder at"),
        (("inspect", "--watch", ".", "."), 2, "one folder can be watched"),
    ],
)
def test_failures_in_words(station: Path, command: Command, words: tuple[str, ...], code: int, said: str) -> None:
    found = command(*words)
    assert (found.returncode, found.stdout) == (code, "")
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_without_results_it_says_so(home: Path, command: Command) -> None:
    for words in (("list",), ("decide", "1", "agree", "--operator", "Ito")):
        found = command("results", *words)
        assert (found.returncode, "inspect photos first" in found.stderr) == (3, True)
    assert not (home / "results.sqlite").exists()


def test_drift_ends_with_the_code_of_a_gate(home: Path, tmp_path: Path, command: Command) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    baseline = {"familiarity": [0.8 + i / 1000 for i in range(50)], "verdicts": {"PASS": 45, "FAIL": 3, "REVIEW": 2}}
    for name, value in {"manifest.json": {"id": "b1"}, "station.json": {}, "baseline.json": baseline}.items():
        (bundle / name).write_text(json.dumps(value))
    with Results.open(home) as results:
        for i in range(30):
            about = (f"{i:064x}", f"{i}.jpg", "2026-04-01T08:00:00+00:00", "PASS", (), "d", "p", (), ())
            results.append(Inspection(*about, 0.5, 0.9, "b1", "m", 1.0))  # type: ignore[arg-type]
    found = command("drift", "--bundle", bundle, "--json")
    assert found.returncode == 4
    assert json.loads(found.stdout)["signs"] == ["unfamiliar"]


def test_ten_kills_of_a_watcher_lose_and_double_nothing(tmp_path: Path) -> None:
    """The storm's made-up inspector, so that the time goes into the watcher; `make storm-watch` has the real one."""
    words = [sys.executable, "-m", "benchmarks.watch_storm", "--kills", "10", "--longest", "0.3", "--seed", "7"]
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    found = subprocess.run(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    assert found.returncode == 0, (found.stdout, found.stderr)
    report = json.loads(found.stdout)
    assert report["killed while"]["watching"] >= 5
    assert report["rows"] == report["photos"] > 0
