"""`results review` without a terminal, and `runs compare`: what is asked, written and printed."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from realign_edge.cli.main import app
from realign_edge.errors import RealignError
from realign_edge.results.model import Disposition, Finding, Inspection, Neighbour, Reason
from realign_edge.results.store import Results
from realign_edge.runs.run import create_run
from tui.inspections import plain

RUNNER = CliRunner()


def review(number: int, found: bool) -> Inspection:
    finding = (Finding("scratch", "left", "a scratch", 0.5, 0.9),) if found else ()
    near = Neighbour("a" * 64, "old/1.jpg", 0.93, "a dent", "bracket", ("dent",), ("top",))
    return Inspection(
        f"{number:064x}", f"line1/{number}.jpg", "2026-04-01T08:00:00+00:00", "REVIEW", (Reason("unsure", "Unsure."),),
        "A bracket.", "bracket", finding, (near,), 0.9, 0.8, "b1", "m" * 64, 41.0,
    )  # fmt: skip


@pytest.fixture
def waiting(home: Path) -> Path:
    """Four that wait; the second has no finding."""
    with Results.open(home) as results:
        for number in (1, 2, 3, 4):
            results.append(review(number, number != 2))
    return home


def asked(lines: str, *options: str) -> str:
    found = RUNNER.invoke(app, ["results", "review", "--operator", "Ito", "--plain", *options], input=lines)
    assert found.exit_code == 0, found.output
    return str(found.stdout)


def decisions(home: Path) -> list[Disposition]:
    with Results.read(home) as results:
        return [e.content for e in results.entries() if isinstance(e.content, Disposition)]


def test_one_is_asked_line_by_line(waiting: Path) -> None:
    said = asked("p\nf\ndent\ntop\n\no\nf\nmissed the crack\ncrack\nrim\n\nt\nblurred\n")
    rows = decisions(waiting)
    assert [(d.entry, d.decision, d.verdict) for d in rows] == [
        (1, "agree", "PASS"), (2, "agree", "FAIL"), (3, "overrule", "FAIL"), (4, "retake", "")
    ]  # fmt: skip
    assert rows[1].defects == ("dent",) and rows[1].locations == ("top",)
    assert (rows[2].reason, rows[2].defects, rows[2].operator) == ("missed the crack", ("crack",), "Ito")
    for fact in ("4 wait for a person.", "line1/1.jpg", "Why: • Unsure.", "scratch, left", "0.93  a dent"):
        assert fact in said


def test_what_is_needed_is_asked_again_and_leaving_writes_nothing(waiting: Path) -> None:
    said = asked("o\np\n\n\nx\n\n\nq\n")
    assert "Reason is needed; nothing was written." in said
    assert decisions(waiting) == []
    assert "2.jpg" in said and "3.jpg" in said and "4.jpg" not in said


def test_the_end_of_the_input_is_the_end(waiting: Path) -> None:
    asked("p")
    asked("o\n")
    assert len(decisions(waiting)) == 1


def test_a_decision_that_cannot_be_written_ends_it_and_is_told(waiting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise RealignError("No space left on device", "free some space, then run the same command again")

    monkeypatch.setattr(plain, "write_decision", full)
    found = RUNNER.invoke(app, ["results", "review", "--operator", "Ito", "--plain"], input="p\np\np\n")
    assert found.exit_code != 0 and isinstance(found.exception, RealignError)
    assert found.stdout.count("> ") == 1 and decisions(waiting) == []


def test_a_copy_is_not_decided_in_and_it_asks_on(waiting: Path, tmp_path: Path) -> None:
    with Results.open(waiting) as results:
        results.backup(tmp_path / "copy.sqlite")
    said = asked("p\nq\n", "--results", str(tmp_path / "copy.sqlite"))
    assert "is a copy of the results" in said and said.count("> ") == 2


def test_the_readers_language(waiting: Path) -> None:
    said = asked("q\n", "--lang", "ja")
    assert "判断待ち 4 件" in said and "scratch（left）" in said


def test_what_waits_as_json(waiting: Path) -> None:
    rows = json.loads(asked("", "--json"))["rows"]
    assert [row["row"] for row in rows] == [1, 2, 3, 4]


def test_without_results_it_says_what_to_do(home: Path) -> None:
    found = RUNNER.invoke(app, ["results", "review", "--plain"])
    assert found.exit_code != 0 and "no results" in str(found.exception)


def test_without_a_terminal_nobody_is_asked(waiting: Path) -> None:
    found = RUNNER.invoke(app, ["results", "review"], env={"TERM": "xterm"})
    assert found.exit_code != 0 and decisions(waiting) == []


def test_runs_are_compared_in_a_terminal_of_80(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    part = {"value": 0.12, "low": 0.08, "high": 0.16, "n": 77}
    for day, after in ((1, 0.30), (2, 0.04)):
        names = ("photos.held_out_share", "photos.seed", "evaluation.max_photos")
        inputs = dict.fromkeys(["photos or records", "glossary", *(f"setting {n}" for n in names)], "same")
        run = create_run(home / "runs", f"{day:04d}", {"inputs": inputs}, f"beta = {day}\n", datetime(2026, 4, day))
        changed = {"value": after, "low": after - 0.02, "high": after + 0.02, "n": 77}
        figures = {"chair_i": {"before": part, "after": changed, "difference": part}}
        said = {"photos": 77, "figures": figures, "decision": {"adopt": day == 2, "sentence": "So \x1b[31mit is."}}
        (run.folder / "evaluation.json").write_text(json.dumps(said))
    found = RUNNER.invoke(app, ["runs", "compare", "20260401", "latest"])
    lines = found.stdout.splitlines()
    assert all(cell_len(line) <= 80 for line in lines) and "\x1b[31m" not in found.stdout
    assert "B is better than A beyond chance: hallucinated." in lines
    assert any(line.split()[:3] == ["beta", "1", "2"] for line in lines)
    assert any("30.0 (28-32)" in line and "4.0 (2-6)" in line for line in lines)
    value = json.loads(RUNNER.invoke(app, ["runs", "compare", "latest", "20260401", "--json"]).stdout)
    assert value["figures"][0]["outcome"] == "worse" and value["b"]["adopt"] is False
