"""How long the reports of a busy station take: 10,000 verdicts, every form, medians.

    python -m benchmarks.report --verdicts 10000 --rounds 3

The results file is written with the station's own store, thumbnails of a synthetic shop floor beside it. Each round
reads, verifies and reports in a process of its own, as the command does; Chromium, where it is installed, opens the
page and tells when its scripts were done.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_ROUNDS_S = 600
_FILTER = """const s = document.querySelectorAll('#photos select')[0]; s.value = 'FAIL';
    s.dispatchEvent(new Event('change'))"""
_SORT = "document.querySelectorAll('#photos th .sort')[8].click()"


def fill(home: Path, count: int, photos: int = 120) -> None:
    """A station's results of `count` inspections, and the thumbnails of `photos` of them."""
    from benchmarks.verdicts import entries
    from realign_edge.files import sha256_file
    from realign_edge.photos.decode import read_photo
    from realign_edge.progress import Silent
    from realign_edge.results.store import Results
    from realign_edge.results.thumbnails import keep_thumbnail
    from realign_edge.shopfloor.floor import write_floor

    with tempfile.TemporaryDirectory() as folder:
        write_floor(Path(folder), photos, 0, workers=1, progress=Silent())
        known = []
        for path in sorted(Path(folder).rglob("*.jpg")):
            sha = sha256_file(path)
            keep_thumbnail(home, sha, read_photo(path))
            known.append((sha, path.name))
    with Results.open(home, "ST1") as results:
        for entry in entries(count, photos=known):
            results.append(entry.content)


def once(home: Path, out: Path, formats: str, language: str) -> tuple[float, float]:
    """Seconds of the whole command from its start to its end, and those of one core that it took."""
    command = [sys.executable, "-m", "realign_edge", "report", "--format", formats, "--lang", language]
    began, used = time.perf_counter(), _core_seconds()
    subprocess.run(
        [*command, "--out", str(out), "--quiet"], env={**os.environ, "REALIGN_EDGE_HOME": str(home)}, check=True,
        stdout=subprocess.DEVNULL, timeout=_ROUNDS_S,
    )  # fmt: skip
    return time.perf_counter() - began, _core_seconds() - used


def _core_seconds() -> float:
    """Of the processes that ended so far; unlike time that passes, little changed by what else the machine does."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def opened(page: Path) -> tuple[float, float, float] | None:
    """Seconds until the page is loaded with its scripts run, until a search has narrowed the table, and until it is
    sorted by another column; None without Chromium."""
    from benchmarks.chromium import EXECUTABLE, Page

    if EXECUTABLE is None:
        return None
    with Page(page.resolve().as_uri()) as shown:
        assert not shown.complaints, shown.complaints
        search, sort = (shown.evaluate(f"(() => {{ const t = performance.now(); {work}; "
                        "document.body.offsetHeight; return (performance.now() - t) / 1000; })()")
                        for work in (_FILTER, _SORT))  # fmt: skip
        return shown.seconds, float(search), float(sort)


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Medians over rounds, in seconds, and the sizes of the files in bytes."""
    # Writing is not what is measured: in memory, ten thousand synced appends take no minutes.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        home, out = Path(folder) / "home", Path(folder) / "out"
        home.mkdir()
        fill(home, count)
        plans = {"all": "html,pdf,csv,json", "html": "html", "pdf": "pdf", "csv": "csv", "json": "json"}
        taken = {name: [once(home, out, formats, "en") for _ in range(rounds)] for name, formats in plans.items()}
        taken["all, Japanese"] = [once(home, out, plans["all"], "ja") for _ in range(rounds)]
        page = next(out.glob("*-en.html"))
        browser = [found for _ in range(rounds) if (found := opened(page)) is not None]
        return {
            "verdicts": count,
            "rounds": rounds,
            "python": platform.python_version(),
            "cpus": len(os.sched_getaffinity(0)),
            "seconds": {name: round(statistics.median(s for s, _ in found), 2) for name, found in taken.items()},
            "core_seconds": {name: round(statistics.median(c for _, c in found), 2) for name, found in taken.items()},
            "chromium": {
                name: round(statistics.median(found[i] for found in browser), 3)
                for i, name in enumerate(("load_s", "filter_s", "sort_s"))
                if browser
            },
            "bytes": {path.name: path.stat().st_size for path in sorted(out.iterdir())},
        }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--verdicts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.verdicts, asked.rounds), indent=1))


if __name__ == "__main__":
    main()
