"""What watching a run costs: opening a log of a million events, each refresh, memory over a day played fast.

    python -m benchmarks.dashboard_feed            # writes a log of 600 MB into a temporary folder
    python -m benchmarks.dashboard_feed --events 50000

The log is what a real run writes: a step event of all figures at each step, a look and a checkpoint every hundred
steps, now and then a warning and a sample. A day is 86,400 looks at a run of one step a second; the clock is ours.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from realign_edge.monitoring.look import Watcher
from realign_edge.runs.run import Run, create_run

DAY_S = 86_400
START = 1_760_000_000.0
FIGURES = ("grad_norm", "reward_chosen", "reward_rejected", "reward_retrieved", "text_margin", "text_accuracy",
           "visual_margin", "visual_accuracy", "chosen_change", "tokens_per_s", "memory_gib")  # fmt: skip


def events(steps: int) -> Iterator[dict[str, Any]]:
    """As a run tells them, one step a second."""
    yield {"time": START, "type": "started", "photos": 10_000, "until": "export"}
    answer = {"text": "Brass washer, dent at the left.", "marks": [[14, 18]], "absent": ["dent"], "missed": []}
    for step in range(1, steps + 1):
        figures = dict.fromkeys(FIGURES, 1 / 3 + step % 97 / 1000)
        about: dict[str, Any] = {
            "step": step,
            "steps": steps,
            "learning_rate": 1e-4,
            "loss": 2 / (1 + step / 1e4) + step % 13 / 100,
        }
        pace = {"pairs_per_s": 20.123456789, "seconds_left": float(steps - step), "micro_tokens": 4096}
        yield {"time": START + step, "type": "step", **about, **figures, **pace}
        if step % 100 == 0:
            yield {"time": START + step, "type": "held_out", "step": step, "pairs": 60, "loss": 1.5, **figures}
            yield {"time": START + step, "type": "checkpoint", "step": step}
        if step % 1000 == 0:
            about = {"step": step, "name": f"a/{step % 4000}.jpg", "question": "Describe it.", "record": "Washer."}
            yield {"time": START + step, "type": "sample", **about, "before": answer, "now": answer}
        if step % 50_000 == 0:
            yield {"time": START + step, "type": "warning", "message": f"warning {step}"}


def write_log(run: Run, steps: int) -> None:
    """events.jsonl, as runs/events.py writes it."""
    with (run.folder / "events.jsonl").open("w", encoding="utf-8", buffering=2**20) as file:
        file.writelines(json.dumps(event) + "\n" for event in events(steps))


def resident_mib() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def look(watcher: Watcher, now: float) -> float:
    """Seconds of one look on the clock."""
    began = time.perf_counter()
    watcher.look(now)
    return time.perf_counter() - began


def told(name: str, took: list[float], unit: float, digits: int) -> dict[str, float]:
    """Median, 99th percentile and worst."""
    ordered = sorted(took)
    at = min(int(0.99 * len(ordered)), len(ordered) - 1)
    values = (("median", statistics.median(ordered)), ("99", ordered[at]), ("worst", ordered[-1]))
    return {f"{name}_{which}": round(unit * value, digits) for which, value in values}


def opening(run: Run, rounds: int) -> dict[str, float]:
    """Opening a long log, and the refreshes behind it: while the search goes on, and when it is done."""
    opened, core, behind, after = list[float](), list[float](), list[float](), list[float]()
    for _ in range(rounds):
        watcher, began = Watcher(run), time.process_time()
        opened.append(look(watcher, time.time()))
        core.append(time.process_time() - began)
        while any("Reading the log" in p.en for p in watcher.look(time.time()).problems):
            behind.append(look(watcher, time.time()))
        after += [look(watcher, time.time()) for _ in range(20)]
    return {
        **told("open_s", opened, 1, 2),
        **told("open_s_of_one_core", core, 1, 2),
        **(told("searching_ms", behind, 1000, 1) if behind else {}),
        **told("refresh_ms", after, 1000, 2),
    }


def day(run: Run, looks: int) -> dict[str, float]:
    """A run that is watched for a day, a step and a look a second; memory at a tenth of it and at its end."""
    watcher, took, early, began = Watcher(run), list[float](), 0.0, time.process_time()
    with (run.folder / "events.jsonl").open("w", encoding="utf-8", buffering=1) as file:
        now = START
        for event in events(looks):
            file.write(json.dumps(event) + "\n")
            if event["type"] != "step":
                continue
            now += 1.0
            took.append(look(watcher, now))
            if len(took) == looks // 10:
                early = resident_mib()
    return {
        "looks": float(looks),
        **told("refresh_ms", took, 1000, 2),
        "ms_of_one_core_with_writing": 1000 * (time.process_time() - began) / looks,
        "memory_after_a_tenth_mib": early,
        "memory_at_the_end_mib": resident_mib(),
        "log_mib": (run.folder / "events.jsonl").stat().st_size / 2**20,
    }


def main() -> int:
    """Print both as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--looks", type=int, default=DAY_S)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        about = {"model": "nano", "photos": "/floor"}
        run = create_run(Path(folder), "aaaa", about, "", datetime(2026, 1, 1))
        # The process of this benchmark stands for the one that trains.
        run.heartbeat(state="running", stage="train", task="Training", unit="steps", done=1, total=chosen.events)
        write_log(run, chosen.events)
        size = (run.folder / "events.jsonl").stat().st_size / 2**20
        found: dict[str, Any] = {"log_mib": size, "long_log": opening(run, chosen.rounds)}
        (run.folder / "events.jsonl").unlink()
        found["a_day"] = day(run, chosen.looks)
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
