"""Runs that are alive: detached from their terminal, stopped by signals and requests, paused. Real processes."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
ENDLESS, RARELY = 20_000, 20_000
Command = Callable[..., subprocess.CompletedProcess[str]]
Until = Callable[..., None]


@pytest.fixture
def start(prepared: Any, watched: Any) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a foreground run that would go on for long, and wait until it trains."""
    processes = []

    def begin() -> subprocess.Popen[str]:
        arguments = ["align", str(prepared.photos), "--config", str(prepared.config(ENDLESS, RARELY))]
        processes.append(
            subprocess.Popen(
                [EXECUTABLE, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment(watched),
            )
        )
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def environment(watched: Any) -> dict[str, str]:
    return {**os.environ, "REALIGN_EDGE_HOME": str(watched.home), "COLUMNS": "80"}


def trains(watched: Any, steps: int) -> Callable[[], bool]:
    """Has it done more than this many steps?"""

    def reached() -> bool:
        return any(watched.home.glob("runs/2*/events.jsonl")) and len(watched.events("step")) > steps

    return reached


def check_stopped(watched: Any, asked: float) -> None:
    """At most the step that was under way has ended since, and the checkpoint is of the last step."""
    steps = watched.events("step")
    assert len([s for s in steps if s["time"] > asked]) <= 1
    assert watched.checkpoint() == steps[-1]["step"]
    assert watched.status()["state"] == "stopped"


def test_signals_and_stop_lead_to_a_checkpoint_within_a_step(
    command: Command, watched: Any, start: Callable[[], subprocess.Popen[str]], until: Until
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, None):
        before = len(watched.events("step")) if (watched.home / "runs").exists() else 0
        process = start()
        until(trains(watched, before), process)
        if number is None:
            assert command("runs", "stop").returncode == 0
        else:
            process.send_signal(number)
        asked = time.time()
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert "run the same command again to go on" in errors
        check_stopped(watched, asked)
    resumed = [e["step"] for e in watched.events("resumed")]
    assert len(resumed) == 2
    assert watched.events("step")[-1]["step"] == len(watched.events("step"))


def test_pause_holds_the_run_and_its_lock_until_resume(
    command: Command, prepared: Any, watched: Any, start: Callable[[], subprocess.Popen[str]], until: Until
) -> None:
    process = start()
    until(trains(watched, 0), process)
    assert command("runs", "pause").returncode == 0
    asked = time.time()
    until(lambda: watched.status()["state"] == "paused", process)
    held = watched.events("step")
    assert watched.checkpoint() == held[-1]["step"], "what a pause holds must survive a power cut"
    assert len([s for s in held if s["time"] > asked]) <= 1
    assert "paused in training" in command("runs", "show").stdout
    other = command("align", prepared.photos, "--config", prepared.config(1, 1), "--detach")
    assert (other.returncode, other.stdout) == (1, "")
    assert f"other work is going on: realign-edge align {prepared.photos} (process {process.pid}" in other.stderr
    assert len(watched.events("step")) == len(held)
    assert command("runs", "resume").returncode == 0
    until(trains(watched, len(held)), process)
    shown = json.loads(command("runs", "show", "--json").stdout)
    assert shown["state"] == "running"
    assert shown["step"]["steps"] == ENDLESS
    assert shown["step"]["tokens_per_s"] > 0
    assert command("runs", "pause").returncode == 0
    until(lambda: watched.status()["state"] == "paused", process)
    assert command("runs", "stop").returncode == 0
    process.communicate(timeout=60)
    assert process.returncode == 130
    check_stopped(watched, time.time())


def on_terminal(words: list[str], watched: Any) -> tuple[int, int]:
    """Start a session with a terminal of its own; (process, our end of the terminal)."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(words[0], words, environment(watched))
    return pid, terminal


def read_until(terminal: int, mark: str) -> str:
    """What is printed there, up to a mark."""
    said = b""
    with contextlib.suppress(OSError):  # EIO: nobody holds the other end any longer
        while mark.encode() not in said:
            said += os.read(terminal, 4096)
    return said.decode()


def test_a_closed_terminal_stops_a_foreground_run_with_a_checkpoint(prepared: Any, watched: Any, until: Until) -> None:
    words = [EXECUTABLE, "align", str(prepared.photos), "--plain", "--config", str(prepared.config(ENDLESS, RARELY))]
    pid, terminal = on_terminal(words, watched)
    until(trains(watched, 0))
    os.close(terminal)
    asked = time.time()
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    check_stopped(watched, asked)


def test_a_detached_run_outlives_its_terminal_and_finishes(
    command: Command, prepared: Any, watched: Any, until: Until
) -> None:
    line = f'"{EXECUTABLE}" align "{prepared.photos}" --config "{prepared.config(6, 2)}" --detach --json; echo END; cat'
    shell, terminal = on_terminal(["/bin/sh", "-c", line], watched)
    said = read_until(terminal, "END")
    about = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert set(about) == {"run", "pid", "log", "folder"}
    os.kill(about["pid"], signal.SIGSTOP)
    assert watched.status()["pid"] == about["pid"]
    assert watched.status()["log"] == about["log"]
    assert os.getsid(about["pid"]) == about["pid"] != os.getsid(shell)
    os.close(terminal)
    _, status = os.waitpid(shell, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGHUP
    os.kill(about["pid"], signal.SIGHUP)
    os.kill(about["pid"], signal.SIGCONT)
    until(lambda: watched.status()["state"] in ("finished", "failed", "stopped"))
    assert watched.status()["state"] == "finished"
    assert len(watched.events("step")) == 6
    assert (Path(about["folder"]) / "adapter" / "adapter_model.safetensors").exists()
    assert "Training: 6 steps" in Path(about["log"]).read_text()
    shown = command("runs", "show", about["run"]).stdout
    assert "finished" in shown
    assert about["run"] in shown


def test_a_detached_run_that_fails_at_once_fails_in_the_words_and_with_the_code_of_the_run(
    command: Command, prepared: Any, watched: Any, tmp_path: Path
) -> None:
    nowhere = command("align", "nowhere", "--detach", cwd=tmp_path)
    assert (nowhere.returncode, nowhere.stdout) == (3, "")
    assert "error: no photo folder at nowhere" in nowhere.stderr
    wrong = command("align", prepared.photos, "--preset", "papre", "--detach")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "error: unknown preset `papre`\nhint: presets: nano" in wrong.stderr
    model = command("align", prepared.photos, "--model", "gpt-9", "--detach")
    assert (model.returncode, model.stdout) == (3, "")
    assert "error: no model `gpt-9`" in model.stderr
    assert not any((watched.home / "logs").iterdir())
    assert command("runs", "list").stdout == ""
