"""What the dashboard costs: how soon it is there, each refresh at three sizes, memory over many refreshes.

    python -m benchmarks.dashboard_screen
    python -m benchmarks.dashboard_screen --steps 1000000 --refreshes 5000

The run is the one of benchmarks/dashboard_feed.py, with a step more before each refresh. A refresh is the look at its
files and everything that is drawn after it, of one core: a machine that is shared has others waiting for it. The start
is that of the installed command in a terminal of its own, until the status sentence stands on it.
"""

import argparse
import asyncio
import gc
import json
import os
import pty
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from contextlib import suppress
from datetime import datetime
from fcntl import ioctl
from pathlib import Path
from typing import Any

from benchmarks.dashboard_feed import START, events, resident_mib, write_log
from realign_edge.runs.run import Run, create_run
from tui.app import RealignApp
from tui.context import Context, WindowOptions
from tui.dashboard.window import DashboardWindow

SIZES = ((80, 24), (120, 40), (200, 50))
SENTENCE = b"Running well"
_LIMIT_S = 60.0


def start(home: Path, size: tuple[int, int]) -> tuple[float, float, float]:
    """Seconds until the frame stands there and until the sentence does, and those of one core up to its end."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        command = [sys.executable, "-m", "realign_edge", "watch", "--image-mode", "none", "--lang", "en"]
        environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "TERM": "xterm-256color"}
        os.execve(command[0], command, environment)
    said, framed = b"", 0.0
    while SENTENCE not in said:
        said += os.read(terminal, 65536)
        if not framed and b"realign-edge" in said:
            framed = time.perf_counter() - began
        assert time.perf_counter() - began < _LIMIT_S, said[-2000:]
    stood = time.perf_counter() - began
    os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        while os.read(terminal, 65536):
            pass
    used = os.wait4(pid, 0)[2]
    os.close(terminal)
    return framed, stood, used.ru_utime + used.ru_stime


async def refresh(run: Run, home: Path, size: tuple[int, int], steps: int, count: int) -> dict[str, float]:
    """Milliseconds of one core for each of `count` refreshes, and MiB at their beginning and end."""
    took, early = list[float](), 0.0
    now = START + steps
    context = Context(home, options=WindowOptions("en", image_mode="none", person="benchmark"), now=lambda: now)
    app = RealignApp(context)
    more = (event for event in events(steps + count + 1) if event["type"] == "step" and event["step"] > steps)
    async with app.run_test(size=size) as pilot:
        window = app.screen
        assert isinstance(window, DashboardWindow)
        while window.view is None or any("Reading the log" in told.en for told in window.view.problems):
            await _looked(pilot, window)
        # As tui/app.py does in a terminal.
        gc.freeze()
        with (run.folder / "events.jsonl").open("a", encoding="utf-8", buffering=1) as file:
            for number, event in zip(range(count), more, strict=False):
                file.write(json.dumps(event) + "\n")
                now = float(event["time"])
                began = time.process_time()
                await _looked(pilot, window)
                took.append(1000 * (time.process_time() - began))
                early = resident_mib() if number == count // 10 else early
        assert window.view is not None and window.view.step > steps
    took.sort()
    return {
        "median_ms": round(statistics.median(took), 1),
        "99_ms": round(took[int(0.99 * len(took))], 1),
        "worst_ms": round(took[-1], 1),
        "memory_after_a_tenth_mib": round(early),
        "memory_at_the_end_mib": round(resident_mib()),
    }


async def _looked(pilot: Any, window: DashboardWindow) -> None:
    """One refresh, drawn."""
    window.look_soon()
    while window.busy:
        await asyncio.sleep(0.001)
    await pilot.pause()


def main() -> int:
    """Print all of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--refreshes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    home = Path(tempfile.mkdtemp())
    try:
        run = create_run(home / "runs", "aaaa", {"model": "nano", "photos": "/floor"}, "", datetime(2026, 1, 1))
        # The process of this benchmark stands for the one that trains.
        beat = {"state": "running", "stage": "train", "task": "Training", "unit": "steps", "total": chosen.steps}
        write_log(run, chosen.steps)
        found: dict[str, Any] = {"steps": chosen.steps}
        for size in SIZES:
            began = []
            for _ in range(chosen.rounds):
                run.heartbeat(**beat)
                began.append(start(home, size))
            names = ("frame_s", "sentence_s", "of_one_core_s")
            about = {n: round(statistics.median(b[i] for b in began), 2) for i, n in enumerate(names)}
            refreshes = asyncio.run(refresh(run, home, size, chosen.steps, chosen.refreshes))
            found[f"{size[0]}x{size[1]}"] = {"start": about, "refresh": refreshes}
        print(json.dumps(found, indent=2))
    finally:
        shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
