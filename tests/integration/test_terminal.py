"""The dashboard in a real terminal, from `align` to the end: left, opened again, stopped, taken up; the same bytes."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from realign_edge.runs.run import Run

EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
STEPS, EVERY = 300, 50

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def terminal(watched: Any, tmp_path: Path) -> Iterator[Any]:
    """80 columns by 24 lines."""
    spec = importlib.util.spec_from_file_location("terminal", Path(__file__).with_name("terminal.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    more = {"REALIGN_EDGE_HOME": str(watched.home), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "TMUX": ""}
    opened = module.Terminal(tmp_path / "tmux", {**os.environ, **more}, 80, 24)
    yield opened
    opened.close()


def test_a_run_in_a_terminal_is_left_and_stopped_and_gives_the_same_bytes(
    terminal: Any, prepared: Any, watched: Any, command: Callable[..., Any], tmp_path: Path
) -> None:
    align = [EXECUTABLE, "align", str(prepared.photos), "--config", str(prepared.config(STEPS, EVERY))]
    window = ["--image-mode", "none", "--lang", "en"]

    def steps() -> int:
        there = any(watched.home.glob("runs/2*/events.jsonl"))
        return len(watched.events("step")) if there else 0

    def state() -> str:
        return str(watched.status()["state"])

    terminal.run([*align, *window])
    terminal.wait_for("[Training]")
    terminal.wait(lambda: steps() > 0, "a step")
    # Windows open while the run is held: how fast the machine is then decides nothing.
    terminal.press("p")
    terminal.wait(lambda: state() == "paused", "the pause")
    assert "paused" in terminal.wait_for("‖ Training")
    terminal.resize(79, 24)
    terminal.wait_for("This terminal has 79 columns")
    terminal.resize(120, 40)
    terminal.wait_for("3 Events")
    terminal.press("C-z")
    terminal.wait_for("Stopped")
    terminal.run(["fg"])
    terminal.wait_for("‖ Training")
    terminal.press("d")
    terminal.wait_for("goes on by itself")

    terminal.clear()
    held = steps()
    terminal.run([EXECUTABLE, "watch", *window])
    terminal.wait_for("‖ Training")
    terminal.press("p")
    terminal.wait(lambda: steps() > held, "a step after the pause")
    terminal.press("d")
    left = steps()
    terminal.wait(lambda: steps() > left, "a step after the window was left")
    Run(watched.folder).request("pause")
    terminal.wait(lambda: state() == "paused", "the second pause")

    terminal.clear()
    terminal.run([EXECUTABLE, "watch", *window])
    terminal.wait_for("‖ Training")
    terminal.press("s")
    terminal.wait_for("Stop this run")
    terminal.press("y")
    terminal.wait(lambda: state() == "stopped", "the stop")
    terminal.wait_for("■ Stopped because somebody asked for it.")
    terminal.press("d")
    stopped = steps()
    assert 0 < stopped < STEPS
    assert watched.checkpoint() == stopped

    terminal.clear()
    terminal.run([*align, *window])
    terminal.wait(lambda: state() == "finished", "the end")
    terminal.wait_for("Finished")
    terminal.press("d")
    assert steps() == STEPS
    assert [e["step"] for e in watched.events("resumed")] == [stopped]

    plain = tmp_path / "plain"
    shutil.copytree(prepared.home, plain)
    without = command(*align[1:], env={**os.environ, "REALIGN_EDGE_HOME": str(plain)})
    assert without.returncode in (0, 4), without.stderr
    adapters = [run / "adapter" / "adapter_model.safetensors" for run in (watched.folder, next(plain.glob("runs/2*")))]
    assert adapters[0].read_bytes() == adapters[1].read_bytes()
