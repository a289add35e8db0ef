"""`kill -9` during `inspect --watch`, over and over, while photos arrive: `python -m benchmarks.watch_storm`.

No verdict may be lost and none doubled: in the end every photo that arrived has exactly one row and has been moved,
every row that was ever announced is still there, and the chain is whole. Without --bundle an inspector that only makes
things up stands for the model, which says nothing about the model, but all about the watcher.

What this does not show is a power cut: a killed process leaves the kernel's buffers alone.
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
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from benchmarks.watch_feed import Feeder, floor_photos
from benchmarks.watch_judge import judge, wrong
from realign_edge.files import sha256_bytes
from realign_edge.results.model import Inspection, Reason
from realign_edge.results.store import FILE

# Seconds: how long a file must be left alone, how long a broken one is waited for, and between two looks.
SETTLE_S, PATIENCE_S, EVERY_S = 0.2, 5.0, 0.1
LIMIT_S = 300.0
# This share of kills comes at any time, most of them while it still starts; the others come while it works.
STARTING = 0.1
# Of these, this share waits for a new row or a new file in `done`, since that is where something could go wrong.
AIMED = 0.6


class MadeUp:
    """Takes a moment and passes everything; reads the photo, so that what is cut off is refused."""

    def inspect(self, photo: bytes, name: str = "", context: Any = None) -> Inspection:  # noqa: ARG002
        """As station/inspecting/inspector.py does."""
        from realign_edge.photos.decode import decode
        from realign_edge.station.watching.heartbeat import now

        decode(photo)
        time.sleep(0.005)
        reasons = (Reason("made_up", "made up"),)
        about = (sha256_bytes(photo), name, now(), "PASS", reasons, "made up", "", (), (), 0.0, 0.0, "made-up", "", 5.0)
        return Inspection(*about)  # type: ignore[arg-type]


def trust_as_here(station: Path) -> None:
    """The storm's station believes the keys that this machine believes, its own among them."""
    from realign_edge.bundle.keys import own_key
    from realign_edge.bundle.trust import trust, trusted_keys
    from realign_edge.home import home

    for key in trusted_keys(home()).plus(own_key(home())).keys:
        trust(station, key)


def work(folder: Path) -> None:
    """`inspect --watch` with the made-up inspector."""
    from realign_edge.cli.watching import watch_folder, watch_settings
    from realign_edge.station.arriving.context import Context

    settings = watch_settings(folder, Path("done"), Path("quarantine"), SETTLE_S, PATIENCE_S, EVERY_S)
    watch_folder(folder, lambda _teller: MadeUp(), Context(station="storm"), "", settings, as_json=True, quiet=False)


def start(folder: Path, home: Path, bundle: Path | None, told: Path) -> subprocess.Popen[bytes]:
    """A watcher in a process of its own; what it says is appended to `told`."""
    if bundle is None:
        words = [sys.executable, "-m", "benchmarks.watch_storm", "--work", str(folder)]
    else:
        options = {"--bundle": bundle, "--done": "done", "--settle": SETTLE_S, "--patience": PATIENCE_S}
        words = [sys.executable, "-m", "realign_edge", "inspect", "--watch", str(folder), "--json", "--threads", "1"]
        words += [str(w) for pair in {**options, "--every": EVERY_S}.items() for w in pair]
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with told.open("ab") as out:
        return subprocess.Popen(words, env=environment, stdout=out, stderr=subprocess.DEVNULL)


def storm(
    folder: Path, home: Path, bundle: Path | None, feeder: Feeder, kills: int, longest_s: float, rng: random.Random
) -> dict[str, Any]:
    """Kill `kills` times, let it come to its end, and count what is wrong."""
    told, done = home.with_name("told.jsonl"), Counter[str]()
    while done.total() < kills:
        process = start(folder, home, bundle, told)
        if rng.random() < STARTING:
            time.sleep(rng.uniform(0.05, 1.0))
        else:
            _wait_for_work(process, home)
            _wait_for_moment(folder, home, rng, longest_s)
        assert process.poll() is None, f"the watcher ended by itself with {process.returncode}"
        mine = _works(process, home)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done["watching" if mine else "starting"] += 1
    feeder.stop()
    ended = _finish(start(folder, home, bundle, told), folder)
    return {"kills": kills, "killed while": dict(done), "ended with": ended, **judge(folder, home, feeder, told)}


def _finish(process: subprocess.Popen[bytes], folder: Path) -> int:
    """Wait until nothing is left in the folder, and ask for an end."""
    deadline = time.monotonic() + LIMIT_S
    while any(p.is_file() for p in folder.iterdir()):
        assert process.poll() is None, f"the watcher ended by itself with {process.returncode}"
        assert time.monotonic() < deadline, f"not taken: {[p.name for p in folder.iterdir() if p.is_file()]}"
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    return process.wait(60)


def _works(process: subprocess.Popen[bytes], home: Path) -> bool:
    """Has this process got as far as the folder?"""
    try:
        return bool(json.loads((home / "watch" / "status.json").read_text())["pid"] == process.pid)
    except (OSError, ValueError):
        return False


def _wait_for_moment(folder: Path, home: Path, rng: random.Random, longest_s: float) -> None:
    """Some time, or until just after the next row was written or the next photo was moved."""
    if rng.random() >= AIMED:
        time.sleep(rng.uniform(0.0, longest_s))
        return
    seen = _rows if rng.random() < 0.5 else _moved
    before, deadline = seen(folder, home), time.monotonic() + 5.0
    while seen(folder, home) == before and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(rng.choice((0.0, 0.0, rng.uniform(0.0, 0.02))))


def _rows(_folder: Path, home: Path) -> int:
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{(home / FILE).as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT ifnull(max(number), 0) FROM entries").fetchone()[0])
    return 0


def _moved(folder: Path, _home: Path) -> int:
    with suppress(OSError):
        return sum(1 for _ in (folder / "done").iterdir())
    return 0


def _wait_for_work(process: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not _works(process, home):
        assert process.poll() is None, f"the watcher ended by itself with {process.returncode}"
        assert time.monotonic() < deadline, "it never began"
        time.sleep(0.01)


def main() -> None:
    """Render photos, let them arrive, and kill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument(
        "--bundle", type=Path, help="a bundle that this machine trusts; without it the verdicts are made up"
    )
    parser.add_argument("--longest", type=float, default=0.8, help="seconds of work until a kill, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work)
        return
    with tempfile.TemporaryDirectory(prefix="watch-storm-") as name:
        place = Path(name).resolve()
        folder, home = place / "incoming", place / "home"
        folder.mkdir()
        home.mkdir()
        if given.bundle:
            trust_as_here(home)
        feeder = Feeder(folder, floor_photos(place / "floor"), random.Random(given.seed + 1))
        began = time.monotonic()
        feeder.start()
        rng = random.Random(given.seed)
        report = storm(folder, home, given.bundle, feeder, given.kills, given.longest, rng)
        print(json.dumps({**report, "seconds": round(time.monotonic() - began)}))
        if wrong(report):
            raise SystemExit("not as it must be")


if __name__ == "__main__":
    main()
