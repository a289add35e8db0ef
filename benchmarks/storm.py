"""`kill -9` at random moments of `align`, over and over: `python -m benchmarks.storm`.

One run is left alone; another is killed again and again and started again. Both must end with the same
adapter, pairs and evaluation, byte for byte. Every kill is checked to have hit a living process, and what it
was doing is counted.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from realign_edge.files import fingerprint, sha256_file
from realign_edge.runs.run import list_runs

SETTINGS = """
[alignment]
steps = 24
batch_pairs = 8
checkpoint_every = 4
"""


def start(home: Path, floor: Path, config: Path) -> subprocess.Popen[bytes]:
    """`align` in a process of its own."""
    command = [str(Path(sys.executable).with_name("realign-edge")), "align", str(floor), "--config", str(config), "-q"]
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(home: Path, floor: Path, config: Path) -> float:
    """Let it run to its end; seconds."""
    began, process = time.monotonic(), start(home, floor, config)
    _, words = process.communicate(timeout=900)
    if process.returncode not in (0, 4):
        raise RuntimeError(f"align ended with {process.returncode}: {words.decode()[-2000:]}")
    return time.monotonic() - began


def outcome(home: Path) -> dict[str, str]:
    """What a run came to: hashes of the adapter and the evaluation, and of the pairs in the catalog."""
    (run,) = list_runs(home / "runs")
    catalog = sqlite3.connect(home / "catalog.sqlite")
    assert catalog.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    pairs = sorted(str(row) for row in catalog.execute("SELECT * FROM pairs"))
    catalog.close()
    return {
        "adapter": sha256_file(run.folder / "adapter" / "adapter_model.safetensors"),
        "evaluation": sha256_file(run.folder / "evaluation.json"),
        "pairs": f"{len(pairs)} {fingerprint(pairs)}",
    }


def storm(home: Path, floor: Path, config: Path, kills: int, longest: float, rng: random.Random) -> Counter[str]:
    """Kill `kills` times; what the run was doing each time."""
    stages: Counter[str] = Counter()
    while stages.total() < kills:
        began, process = time.monotonic(), start(home, floor, config)
        try:
            process.wait(rng.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            pass
        else:
            # It ran to its end: take the result away, so that there is something left to kill, and wait less.
            longest = max(2.0, min(longest, time.monotonic() - began))
            _forget_last_stages(home)
            continue
        found = list_runs(home / "runs")
        status: dict[str, Any] = found[0].status if found else {}
        process.send_signal(signal.SIGKILL)
        process.wait()
        stages[str(status.get("stage", "before the run")) if status.get("pid") == process.pid else "starting"] += 1
    return stages


def _forget_last_stages(home: Path) -> None:
    """Back to before training: the run's stages, checkpoints and adapter go, so that all is made again."""
    import shutil

    for run in list_runs(home / "runs"):
        (run.folder / "stages.json").unlink(missing_ok=True)
        shutil.rmtree(run.folder / "checkpoints", ignore_errors=True)
        shutil.rmtree(run.folder / "adapter", ignore_errors=True)


def main() -> None:
    """Render a floor, run once undisturbed, then through the storm, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    from realign_edge.progress import Silent
    from realign_edge.shopfloor.floor import write_floor

    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        folder = Path(name)
        floor, config = folder / "floor", folder / "config.toml"
        write_floor(floor, given.photos, seed=7, progress=Silent())
        config.write_text(SETTINGS, encoding="utf-8")
        seconds = finish(folder / "calm", floor, config)
        rng = random.Random(given.seed)
        stages = storm(folder / "storm", floor, config, given.kills, seconds, rng)
        finish(folder / "storm", floor, config)
        calm, after = outcome(folder / "calm"), outcome(folder / "storm")
        report = {
            "kills": given.kills,
            "stages": dict(stages),
            "undisturbed_s": round(seconds, 1),
            "same": calm == after,
        }
        print(json.dumps(report))
        if calm != after:
            raise SystemExit(f"not the same: {calm} {after}")


if __name__ == "__main__":
    main()
