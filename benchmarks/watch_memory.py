"""Does a station's memory grow with the photos that it has inspected? `python -m benchmarks.watch_memory`.

The watcher with everything around it: listing, decoding, thumbnails, rows, head, moves, heartbeat. With --bundle the
inspector is the real one; without, it replays answers, so that very many photos can be gone through. Photos arrive in
handfuls while it works. Printed: resident memory after 10, 50 and 100 % of them, and what was written, as one JSON
object. The state lies in --place, which is best a file system in memory: what is measured is the process alone.
"""

import argparse
import gc
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.watch_feed import floor_photos, renumbered
from realign_edge.files import sha256_bytes
from realign_edge.results.model import Finding, Inspection, Neighbour, Reason
from realign_edge.results.store import Results
from realign_edge.station.arriving.context import Context
from realign_edge.station.watching.events import Event, WatchSettings
from realign_edge.station.watching.watch import Watcher

HANDFUL = 64
SHARES = (0.1, 0.5, 1.0)


class Replayed:
    """The same answer for every photo, as rich as a real one."""

    def inspect(self, photo: bytes, name: str = "", context: Any = None) -> Inspection:  # noqa: ARG002
        """As station/inspecting/inspector.py does."""
        from realign_edge.station.watching.heartbeat import now

        findings = (Finding("scratch", "upper left", "Scratch at the upper left", 2.1, 0.8),)
        neighbours = tuple(Neighbour(f"{n:064x}", f"L1/{n}.jpg", 0.9 - n / 100, "A note.") for n in range(5))
        return Inspection(
            sha256_bytes(photo), name, now(), "REVIEW", (Reason("unsure", "The model is not sure."),),
            "Gear, steel, on the tray. Scratch at the upper left.", "gear", findings, neighbours, 0.8, 0.7,
            "0" * 16, "0" * 64, 5.0,
        )  # fmt: skip


class Arriving:
    """Puts photos into the folder when it has become empty, and reads the memory on the way."""

    def __init__(self, folder: Path, photos: list[bytes], total: int, done: Callable[[], int]) -> None:
        self._folder, self._photos, self._total, self._done = folder, photos, total, done
        self._brought = 0
        self.memory: dict[str, float] = {}

    def __call__(self) -> bool:
        """As the watcher asks whether to stop."""
        done = self._done()
        for share in SHARES:
            if done >= share * self._total and f"{share:.0%}" not in self.memory:
                self.memory[f"{share:.0%}"] = resident_mb()
        if done >= self._brought and self._brought < self._total:
            self._bring()
        return done >= self._total

    def _bring(self) -> None:
        for _ in range(min(HANDFUL, self._total - self._brought)):
            data = renumbered(self._photos[self._brought % len(self._photos)], self._brought)
            # Below folders of a thousand, as stations sort by lot.
            place = self._folder / f"L{self._brought // 1000:04d}"
            place.mkdir(exist_ok=True)
            beside = place / f".{self._brought:06d}.jpg"
            beside.write_bytes(data)
            beside.rename(place / f"{self._brought:06d}.jpg")
            self._brought += 1


def resident_mb() -> float:
    """Resident memory of this process in MB, after what nobody holds any longer is gone."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def measured(place: Path, photos: list[bytes], total: int, inspector: Any) -> dict[str, Any]:
    """Watch until all photos are gone through."""
    folder, home = place / "incoming", place / "home"
    folder.mkdir()
    (home / "watch").mkdir(parents=True)
    seen = [0]

    def tell(event: Event) -> None:
        seen[0] += event.kind == "inspected"

    began = time.monotonic()
    with Results.open(home, "S1") as results:
        settings = WatchSettings(0.0, 5.0, 0.1, folder / "done", folder / "quarantine")
        arriving = Arriving(folder, photos, total, lambda: seen[0])
        Watcher(folder, home, inspector, results, settings, tell, lambda _p, _n: Context(station="S1")).run(arriving)
        rows = results.head().entries
    return {
        "photos": seen[0],
        "rows": rows,
        "moved": sum(1 for p in (folder / "done").rglob("*.jpg")),
        "resident_mb": arriving.memory,
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--bundle", type=Path, help="inspect with this one; it is not verified")
    parser.add_argument("--place", type=Path, default=Path("/dev/shm"), help="where everything is written meanwhile")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="watch-memory-", dir=given.place if given.place.is_dir() else None))
    try:
        photos = floor_photos(place / "floor", size=96)
        shutil.rmtree(place / "floor")
        inspector: Any = Replayed()
        if given.bundle:
            from realign_edge.station.inspecting.inspector import Inspector

            inspector = Inspector(given.bundle)
        print(json.dumps(measured(place, photos, given.photos, inspector)))
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
