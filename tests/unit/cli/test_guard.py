"""What comes from outside never speaks to the terminal, whichever command shows it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table

from realign_edge.cli.console import PlainConsole
from realign_edge.cli.guard import visible, visible_json
from realign_edge.photos.text import clean
from realign_edge.results.model import Finding, Inspection, Neighbour, Reason, Refused
from realign_edge.results.store import Results
from realign_edge.runs.run import create_run

# A title, a cleared screen, a colour by a C1 control, a reversed name, markup of two kinds, a link, a lone bell.
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp[bold]x[@click=app.quit]y[/]\x1b]8;;http://x\x1b\\z\x07"
FORBIDDEN = ("\x1b", "\x07", "\x9b", "\u202e", "\x00")
_DRIVER = """
import json, sys
from realign_edge.cli.guard import guard_streams
from realign_edge.cli.main import _code
from realign_edge.cli.stderr import forgive_stderr
forgive_stderr()
guard_streams()
for words in json.loads(sys.stdin.read()):
    sys.argv = ["realign-edge", *words]
    print("--", words[0], file=sys.stderr)
    print("code", _code(), file=sys.stderr)
"""


def test_control_characters_are_seen_as_escapes_and_other_text_stays() -> None:
    shown = visible(EVIL)
    assert not any(c in shown for c in FORBIDDEN)
    assert shown.startswith("\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202egnp[bold]x")
    assert visible("傷 ✓\tä\n") == "傷 ✓\tä\n"
    assert visible("\ud800") == "\\ud800"


def test_json_keeps_its_meaning() -> None:
    text = visible_json(json.dumps({"a": EVIL}, ensure_ascii=False))
    assert json.loads(text) == {"a": EVIL}
    assert not any(c in text for c in FORBIDDEN)


def test_a_console_reads_no_markup_and_writes_no_control_character() -> None:
    console = PlainConsole(file=io.StringIO(), width=200, force_terminal=True)
    table = Table()
    table.add_column("[bold]heading[/]")
    table.add_row(EVIL, style="green")
    console.print(table)
    console.print(EVIL, ":smiley:")
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold]heading[/]" in text
    assert "[@click=app.quit]y" in text
    assert ":smiley:" in text
    assert "\x1b[32m" in text  # our own colours stay
    assert not any(c in text for c in ("\x1b]", "\x1b[2J", "\x9b", "\x07", "\u202e"))


def _inspection(verdict: Any) -> Inspection:
    return Inspection(
        sha256="1" * 64, name=EVIL, inspected_at="2026-04-01T08:00:00+00:00", verdict=verdict,
        reasons=(Reason("x", EVIL),), description=EVIL, part=EVIL, findings=(Finding("a", EVIL, EVIL, 0.5, 0.9),),
        neighbours=(Neighbour("2" * 64, EVIL, 0.9, EVIL, EVIL, (EVIL,), (EVIL,), EVIL),), familiarity=0.9,
        confidence=0.9, bundle_id=EVIL, model_sha256="3" * 64, latency_ms=1.0, operator=EVIL, lot=EVIL,
    )  # fmt: skip


def hostile_home(home: Path) -> str:
    """A home whose rows and runs were written by somebody without manners; the name of the run."""
    home.mkdir()
    with Results.open(home, station="S1") as results:
        for content in (_inspection("FAIL"), _inspection("REVIEW"), Refused(EVIL, EVIL, "2026-04-01T08:00:04+00:00")):
            results.append(content)
    from datetime import datetime

    run = create_run(home / "runs", "a" * 16, {"photos": EVIL, "model": EVIL}, "", datetime(2026, 4, 1))
    told = {"state": "failed", "stage": EVIL, "task": EVIL, "unit": EVIL, "error": EVIL, "hint": EVIL, "log": EVIL}
    (run.folder / "status.json").write_text(json.dumps(told))
    event = {"event": "warning", "code": EVIL, "text": EVIL, "message": EVIL, "time": 1.0}
    (run.folder / "events.jsonl").write_text((json.dumps(event) + "\n") * 3)
    (run.folder / "evaluation.json").write_text(json.dumps({"decision": {"adopt": False, "sentence": EVIL}}))
    return run.run_id


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["words", "json"])
def test_no_command_lets_a_control_character_through(form: list[str], tmp_path: Path) -> None:
    home, evil = tmp_path / "home", EVIL.replace("/", "")
    run = hostile_home(home)
    there = tmp_path / evil
    there.mkdir()
    (there / f"{evil}.jpg").write_bytes(b"no photo")
    (there / "config.json").write_text(json.dumps({"model_type": EVIL}))
    (there / "x.toml").write_text(f'"{json.dumps(EVIL)[1:-1]}" = 1\n')
    (there / "x.tar").write_bytes(b"x" * 2000)
    calls = [
        ["index", str(there)], ["index", str(there / "gone")], ["similar", str(there / f"{evil}.jpg")],
        ["align", str(there / "gone")], ["align", str(there), "--model", EVIL], ["inspect", str(there)],
        ["ask", str(there / f"{evil}.jpg"), EVIL], ["bundle", "verify", str(there)], ["bundle", "install", str(there)],
        ["bundle", "install", str(there / "x.tar")], ["bundle", "show", EVIL], ["bundle", "keys", "trust", str(there)],
        ["models", "add", str(there)], ["models", "add", str(there / "x.tar")], ["models", "show", EVIL],
        ["models", "list"], ["config", "check", str(there / "x.toml")], ["maintain", "restore", EVIL],
        ["runs", "list"], ["runs", "show", run], ["runs", "show", EVIL], ["watch", run, "--plain"],
        ["results", "list"], ["results", "show", "1"], ["results", "show", "2"], ["results", "show", "3"],
        ["results", "list", "--lot", EVIL], ["results", "verify"], ["export", EVIL], ["report", EVIL],
        ["pairs", "list", str(there)], ["pairs", "import", str(there), str(there / "x.tar")], ["doctor"], [EVIL],
    ]  # fmt: skip
    env = {**os.environ, "REALIGN_EDGE_HOME": str(home), "PYTHONUTF8": "1", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER],
        input=json.dumps([c + (form if c[0] not in ("watch", EVIL) else []) for c in calls]).encode(),
        capture_output=True, env=env, timeout=300,
    )  # fmt: skip
    said, remarks = done.stdout.decode(), done.stderr.decode()
    assert remarks.count("\ncode ") == len(calls), remarks[-2000:]
    for text in (said, remarks):
        found = [c for c in FORBIDDEN if c in text]
        assert not found, [line for line in text.splitlines() if found[0] in line][:5]
    assert "something went wrong inside" not in remarks, remarks
    if not form:
        # It was shown, not swallowed.
        assert clean(EVIL)[:3] in said
