"""The real command on a station's results, and the page in a real browser."""

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.chromium import EXECUTABLE, Page
from benchmarks.verdicts import entries
from realign_edge.results.model import Inspection
from realign_edge.results.store import Results

Report = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Runs `realign-edge report` in a home with the results of 30 inspections; its files go to `out`."""
    home = tmp_path / "home"
    home.mkdir()
    with Results.open(home, "ST1") as results:
        for entry in entries(30, seed=1):
            results.append(entry.content)

    def run(*arguments: str, home: Path = home) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "realign_edge", "report", *arguments]
        environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "TZ": "UTC"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_four_files_and_their_paths_on_stdout(report: Report, tmp_path: Path) -> None:
    done = report("--out", "out", "--date", "2026-11-25", "--site", "Plant 2", "--lang", "ja")
    assert done.returncode == 0, done.stderr
    paths = [tmp_path / line for line in done.stdout.splitlines()]
    assert [p.suffix for p in paths] == [".html", ".pdf", ".csv", ".json"]
    assert paths[1].read_bytes().startswith(b"%PDF-1.7")
    value = json.loads(paths[3].read_text())
    assert value["origin"]["chain"]["problems"] == 0 and value["summary"]["photos"] == 30
    before = [p.read_bytes() for p in paths]
    assert report("--out", "out", "--date", "2026-11-25", "--site", "Plant 2", "--lang", "ja", "-q").stderr == ""
    assert [p.read_bytes() for p in paths] == before


def test_json_is_one_object_and_a_damaged_file_is_told_of(report: Report, tmp_path: Path) -> None:
    import sqlite3

    db = sqlite3.connect(tmp_path / "home" / "results.sqlite", isolation_level=None)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute("UPDATE entries SET content = replace(content, 'FAIL', 'PASS') WHERE number = 5")
    db.execute("UPDATE entries SET content = json_set(content, '$.part', 'forged') WHERE number = 3")
    db.close()
    done = report("--json", "--format", "json", "--out", "out")
    assert done.returncode == 0
    about = json.loads(done.stdout)
    assert about["chain_problems"] > 0 and "is not as it was written" in done.stderr
    assert json.loads((tmp_path / about["files"][0]).read_text())["origin"]["chain"]["problems"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--format", "docx"], 2, "unknown format"),
        (["--lang", "de"], 2, "unknown language"),
        (["--since", "May"], 2, "is no day"),
        (["--date", "May"], 2, "is no date"),
        (["--timezone", "Mars/Base"], 2, "unknown time zone"),
        (["--verdict", "good"], 2, "unknown verdict"),
        (["no-such-run"], 3, "no run"),
    ],
)
def test_what_makes_no_sense_is_said(report: Report, arguments: list[str], code: int, said: str) -> None:
    done = report(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr and "hint: " in done.stderr and "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_one_is_said(report: Report, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    for place in ("taken", "taken/below", "/proc/reports"):
        done = report("--out", place, "--format", "json", "-q")
        assert (done.returncode, "cannot be made" in done.stderr) == (2, True), done.stderr


def test_without_results_one_is_told_what_to_do(report: Report, tmp_path: Path) -> None:
    done = report(home=tmp_path / "empty")
    assert done.returncode == 3 and "realign-edge inspect" in done.stderr


def test_no_torch_is_loaded(report: Report, tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['realign-edge', 'report', '--out', 'out', '-q']\n"
        "from realign_edge.cli.main import _code\n"
        "assert _code() == 0\n"
        "heavy = {'torch', 'transformers', 'hnswlib', 'scipy', 'onnxruntime', 'textual', 'tui'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.skipif(EXECUTABLE is None, reason="Chromium is not installed")
class TestInChromium:
    """The page opened from its file: what its scripts made, what the console says, what it asks the network for."""

    @pytest.fixture
    def address(self, report: Report, tmp_path: Path) -> str:
        """Of the page of 30 inspections."""
        assert report("--format", "html", "--out", "out", "--number", "R1").returncode == 0
        return (tmp_path / "out" / "R1-en.html").resolve().as_uri()

    def test_table_filters_evidence_and_print(self, address: str) -> None:
        with Page(address) as page:
            rows = "document.querySelectorAll('#photos tr.row').length"
            assert page.evaluate(rows) == 30
            page.evaluate("{const s = document.querySelectorAll('#photos select')[0]; s.value = 'FAIL'; "
                          "s.dispatchEvent(new Event('change'))}")  # fmt: skip
            failed = page.evaluate(rows)
            assert 0 < failed < 30
            assert page.evaluate("document.querySelectorAll('#photos .v-FAIL').length") == failed
            page.evaluate("document.querySelector('#photos .open').click()")
            assert page.evaluate("document.querySelectorAll('#photos .card').length") == 1
            page.evaluate("document.querySelector('#photos .tools button').click()")
            for _ in range(2):
                page.evaluate("document.querySelector('#photos th .sort').click()")
            first = "[...document.querySelectorAll('#photos tr.row td:first-child')].map(d => +d.textContent)"
            numbers = page.evaluate(first)
            assert len(numbers) == 30 and numbers == sorted(numbers, reverse=True)
            assert page.pdf().startswith(b"%PDF")
            assert page.complaints == []

    def test_all_that_waits_for_a_person_is_printed(self, report: Report, tmp_path: Path) -> None:
        home = tmp_path / "busy"
        home.mkdir()
        with Results.open(home, "ST1") as results:
            for entry in entries(30, seed=2):
                if isinstance(entry.content, Inspection):
                    results.append(replace(entry.content, verdict="REVIEW"))
        done = report("--format", "html,json", "--out", "out", "--number", "R2", home=home)
        assert done.returncode == 0, done.stderr
        waiting = json.loads((tmp_path / "out" / "R2.json").read_text())["summary"]["final"]["REVIEW"]["count"]
        assert waiting > 12
        with Page((tmp_path / "out" / "R2-en.html").resolve().as_uri()) as page:
            cards = "document.querySelectorAll('#queue .card').length"
            assert page.evaluate(cards) == 12
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert page.evaluate(cards) == waiting
            assert page.complaints == []

    def test_no_request_leaves_the_file(self, address: str) -> None:
        with Page(address) as page:
            assert [a for a in page.requests if not a.startswith("data:")] == [address]

    def test_the_policy_would_stop_one(self, address: str, tmp_path: Path) -> None:
        """The checks above can fail: the same page with a picture from elsewhere is complained of."""
        source = Path(urllib.request.url2pathname(urllib.parse.urlsplit(address).path)).read_text()
        worse = tmp_path / "worse.html"
        worse.write_text(source.replace("<main>", '<main><img src="http://127.0.0.1:9/x.png"><p style="color:red">', 1))
        with Page(worse.as_uri()) as page:
            assert len(page.complaints) >= 2
            assert all("Content Security Policy" in text for text in page.complaints)
