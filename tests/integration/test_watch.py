"""`realign-edge watch` and `align` with a terminal and without one: real processes."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from realign_edge.runs.events import EventLog
from realign_edge.runs.run import Run, create_run

EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(home: Path) -> Run:
    """A finished run of three steps."""
    made = create_run(home / "runs", "aaaa", {"model": "nano", "photos": "/floor"}, "", datetime(2026, 1, 1))
    log = EventLog(made.folder / "events.jsonl")
    log.append({"type": "started", "photos": 60, "until": "train"})
    for step in (1, 2, 3):
        log.append({"type": "step", "step": step, "steps": 3, "loss": 1.0 / step, "seconds_left": 0.1})
    log.append({"type": "finished", "until": "train"})
    log.close()
    made.heartbeat(state="finished", stage="train")
    return made


def on_terminal(home: Path, term: str, *words: str) -> tuple[int, str]:
    """Exit code, and what was printed on a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(EXECUTABLE, [EXECUTABLE, *words], {**os.environ, "REALIGN_EDGE_HOME": str(home), "TERM": term})
    said = b""
    with contextlib.suppress(OSError):  # EIO: the process has ended
        while part := os.read(terminal, 4096):
            said += part
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), said.decode()


def test_without_a_terminal_a_finished_run_is_lines_on_stdout(command: Command, run: Run) -> None:
    found = command("watch", "--lang", "en")
    assert (found.returncode, found.stderr) == (0, "")
    assert f"run {run.run_id}: nano on /floor" in found.stdout
    assert "Finished as far as it was asked to go (Training)." in found.stdout
    assert "\x1b" not in found.stdout
    japanese = command("watch", run.run_id[:12], "--lang", "ja", "--speed", "1000")
    assert "指定された段階（学習）まで完了しました。" in japanese.stdout


def test_json_is_one_object(command: Command, run: Run) -> None:
    found = json.loads(command("watch", "--json").stdout)
    assert (found["run_id"], found["state"], found["step"]) == (run.run_id, "finished", 3)
    assert [c["name"] for c in found["curves"]] == ["loss"]


@pytest.mark.parametrize(("term", "words"), [("dumb", ()), ("xterm-256color", ("--plain",))])
def test_a_dumb_terminal_and_a_wish_for_lines_move_no_cursor(run: Run, home: Path, term: str, words: Any) -> None:
    code, said = on_terminal(home, term, "watch", "--lang", "en", *words)
    assert code == 0
    assert "Finished as far as it was asked to go" in said
    assert not re.search(r"\x1b|[^\r]\r[^\n]", said)


def test_lines_of_a_live_run_end_with_it(home: Path, run: Run) -> None:
    """This process plays the run."""
    log = EventLog(run.folder / "events.jsonl")
    log.append({"type": "started", "photos": 60, "until": "train"})
    run.heartbeat(state="running", stage="train")
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "LC_ALL": "C"}
    watching = subprocess.Popen([EXECUTABLE, "watch"], stdout=subprocess.PIPE, text=True, env=environment)
    assert watching.stdout is not None
    assert run.run_id in watching.stdout.readline()
    log.append({"type": "warning", "message": "look here"})
    line = ""
    while "look here" not in line:
        line = watching.stdout.readline()
        assert line
    log.append({"type": "finished", "until": "train"})
    run.heartbeat(state="finished", stage="train")
    rest, _ = watching.communicate(timeout=60)
    assert "Finished as far as it was asked to go" in rest
    assert watching.returncode == 0
    log.close()


def test_lines_load_neither_windows_nor_torch(run: Run, home: Path) -> None:
    code = (
        "import sys; sys.argv = ['realign-edge', 'watch', '--plain']\n"
        "from realign_edge.cli.main import _code\n"
        "assert _code() == 0\n"
        "print(sorted({'torch', 'transformers', 'numpy', 'textual', 'tui', 'PIL'} & set(sys.modules)))"
    )
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_align_with_plain_lines_on_a_terminal_works_in_this_process(prepared: Any, watched: Any) -> None:
    began = time.time()
    words = ["align", str(prepared.photos), "--plain", "--config", str(prepared.config(2, 1)), "--until", "train"]
    code, said = on_terminal(watched.home, "xterm-256color", *words)
    assert code == 0, said
    assert "Training: 2 steps" in said
    assert "\x1b[?25l" not in said, "no bar that hides the cursor"
    assert not (watched.home / "logs").exists()
    kinds = [json.loads(line)["type"] for line in (watched.folder / "events.jsonl").read_text().splitlines()]
    assert kinds.count("sample") == 2
    marks = [(e["stage"], e["state"]) for e in watched.events("stage")]
    assert marks == [
        ("index", "begun"), ("index", "unchanged"), ("pairs", "begun"), ("pairs", "done"),
        ("train", "begun"), ("train", "done"),
    ]  # fmt: skip
    assert watched.events("started")[-1]["until"] == "train"
    assert all(e["time"] >= began - 1 for e in watched.events("sample"))


def test_detached_words_of_a_run_that_has_not_begun_are_passed_on(prepared: Any, watched: Any) -> None:
    from realign_edge.runs.detach import detach

    said: list[str] = []
    words = ["align", str(prepared.photos), "--config", str(prepared.config(2, 1)), "--until", "index"]
    begun = detach(watched.home, words, say=said.append)
    assert begun.code(120) == 0
    assert begun.run.state == "finished"
