"""The dashboard in a real terminal, from `align` to the end: left, opened again, stopped, taken up; the same bytes."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from realign_edge.runs.run import Run

EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
STEPS, EVERY = 150, 50

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Sitting:
    """Somebody before a terminal, and the run that they look at through its files as well."""

    def __init__(self, terminal: Any, watched: Any, align: list[str]) -> None:
        self.terminal, self.watched = terminal, watched
        window = ["--image-mode", "none", "--lang", "en"]
        self._align, self._watch = [*align, *window], [EXECUTABLE, "watch", *window]

    @property
    def steps(self) -> int:
        """Training steps so far."""
        there = any(self.watched.home.glob("runs/2*/events.jsonl"))
        return len(self.watched.events("step")) if there else 0

    def wait_for_state(self, state: str) -> None:
        self.terminal.wait(lambda: self.watched.status()["state"] == state, f"the state {state}")

    def wait_for_step(self, after: int) -> None:
        self.terminal.wait(lambda: self.steps > after, f"a step after {after}")

    def align(self) -> None:
        """Start, or go on, with the window open."""
        self.terminal.clear()
        self.terminal.run(self._align)
        self.terminal.wait_for("[Training]")

    def watch_what_is_held(self) -> None:
        """Windows open while the run is held: how fast the machine is then decides nothing."""
        self.terminal.clear()
        self.terminal.run(self._watch)
        self.terminal.wait_for("‖ Training")


@pytest.fixture
def sitting(prepared: Any, watched: Any, tmp_path: Path) -> Iterator[Sitting]:
    """A terminal of 80 columns by 24 lines."""
    spec = importlib.util.spec_from_file_location("terminal", Path(__file__).with_name("terminal.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    more = {"REALIGN_EDGE_HOME": str(watched.home), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "TMUX": ""}
    # Exported, as some shells do; a window must not believe them once the terminal has another size.
    more |= {"COLUMNS": "80", "LINES": "24"}
    opened = module.Terminal(tmp_path / "tmux", {**os.environ, **more}, 80, 24)
    yield Sitting(
        opened, watched, [EXECUTABLE, "align", str(prepared.photos), "--config", str(prepared.config(STEPS, EVERY))]
    )
    opened.close()


def test_a_run_in_a_terminal_is_left_and_stopped_and_gives_the_same_bytes(
    sitting: Sitting, prepared: Any, watched: Any, tmp_path: Path
) -> None:
    terminal = sitting.terminal
    sitting.align()
    sitting.wait_for_step(0)
    terminal.press("p")
    sitting.wait_for_state("paused")
    terminal.wait_for("‖ Training")
    suffers_resize_and_suspension(terminal)
    terminal.press("d")
    terminal.wait_for("goes on by itself")

    sitting.watch_what_is_held()
    held = sitting.steps
    terminal.press("p")
    sitting.wait_for_step(held)
    terminal.press("d")
    sitting.wait_for_step(sitting.steps)
    Run(watched.folder).request("pause")
    sitting.wait_for_state("paused")
    terminal.wait_for("goes on by itself")

    sitting.watch_what_is_held()
    terminal.press("s")
    terminal.wait_for("Stop this run")
    terminal.press("y")
    sitting.wait_for_state("stopped")
    terminal.wait_for("■ Stopped because somebody asked for it.")
    terminal.press("d")
    terminal.wait_for(f"{watched.folder.name} stopped")
    stopped = sitting.steps
    assert 0 < stopped < STEPS
    assert watched.checkpoint() == stopped

    sitting.align()
    sitting.wait_for_state("finished")
    terminal.wait_for("Finished")
    terminal.press("d")
    assert sitting.steps == STEPS
    assert [e["step"] for e in watched.events("resumed")] == [stopped]
    assert adapter(watched.folder) == adapter_without_a_window(prepared, tmp_path / "plain")


def suffers_resize_and_suspension(terminal: Any) -> None:
    terminal.resize(79, 24)
    terminal.wait_for("This terminal has 79 columns")
    terminal.resize(120, 40)
    terminal.wait_for("3 Events")
    terminal.press("C-z")
    assert "[Training]" not in terminal.wait_for("Stopped"), (
        "of another size than at its start, it leaves nothing behind"
    )
    terminal.run(["fg"])
    terminal.wait_for("‖ Training")


def adapter(run: Path) -> bytes:
    return (run / "adapter" / "adapter_model.safetensors").read_bytes()


def adapter_without_a_window(prepared: Any, home: Path) -> bytes:
    shutil.copytree(prepared.home, home)
    settings = str(prepared.config(STEPS, EVERY))
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home)}
    done = subprocess.run(
        [EXECUTABLE, "align", str(prepared.photos), "--config", settings, "--until", "train"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return adapter(next(home.glob("runs/2*")))
