"""A disk that is full at every write of every command: `python -m benchmarks.full_disk` (root, or user namespaces).

Everything of a state folder lies on a small file system in memory. A first day is undisturbed: before each write of a
command it is noted how many pages, and how many files, are in use. Then each command is run again from where it began,
once for each of these writes, with exactly so much room that all before the write succeeds and the write does not (or
only half of it, or all but its last page), until one has been full at each; the same with room for ever more files,
folders and links. Each time the command must say what failed, where and what to do, in two lines and with exit code
1, leave both databases and the chain of results whole and nothing half-written or lost; and with the room back, the
same command must come to what it comes to undisturbed.

With --work the undisturbed day and every command that is done are kept there, and the same words go on with the rest.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.forks import load_libraries, made
from benchmarks.appliance_storm.lap import prepare
from benchmarks.appliance_storm.stages import GOOD
from benchmarks.full_disk.day import Step, day
from benchmarks.full_disk.outcomes import as_kept, outcome, remember_key
from benchmarks.full_disk.room import KINDS, Disk, Trace, evenly, steps
from benchmarks.full_disk.sweep import Bench, remove, sweep
from realign_edge.files import write_json


def undisturbed(bench: Bench, step: Step, before: Path, kept: Path) -> dict[str, Any]:
    """Run it once with room; what it came to, and where the room is to end. Kept, as is the root before it."""
    if kept.exists():
        bench.put_back(before.with_name(f"{before.name}.after"))
        return dict(json.loads(kept.read_bytes()))
    if step.arrange is not None:
        step.arrange(bench.place)
    remember_key(bench.place)
    for folder in (before, before.with_name(f"{before.name}.after")):
        remove(folder)
    shutil.copytree(bench.place.root, before, symlinks=True)
    bench.put_back(before)
    trace = Trace(bench.disk)
    trace.note()
    code, words = bench.run(step, trace)
    if code not in GOOD:
        raise SystemExit(f"{step.name} ended with {code}, undisturbed: {words[-2000:]}")
    trace.note()
    about = {
        "outcome": as_kept(outcome(step.name, bench.place)),
        "writes": trace.count - 2,
        "free": {kind: steps(trace.of(kind)) for kind in KINDS},
    }
    shutil.copytree(bench.place.root, before.with_name(f"{before.name}.after"), symlinks=True)
    write_json(kept, about)
    return about


def inside(work: Path, only: list[str], most: int) -> dict[str, Any]:
    """In a mount namespace of its own."""
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    place, photos = made(work)
    bench = Bench(place, Disk(place.root.parent), work)
    bench.disk.mount()
    load_libraries(work)
    prepare(place, photos)
    found: dict[str, Any] = {}
    for step in day(place):
        before = work / "before" / step.name
        about = undisturbed(bench, step, before, work / f"{step.name}.json")
        if only and step.name not in only:
            continue
        swept = work / f"{step.name}.swept.json"
        if not swept.exists():
            write_json(swept, swept_at(bench, step, about, before, most))
            bench.put_back(before.with_name(f"{before.name}.after"))
        found[step.name] = json.loads(swept.read_bytes())
    return found


def swept_at(bench: Bench, step: Step, about: dict[str, Any], before: Path, most: int) -> dict[str, Any]:
    """What came of it, and of how many places where the room could end those that were taken are a part."""
    found: dict[str, Any] = {"writes": about["writes"]}
    for kind in KINDS:
        places = about["free"][kind]
        done = sweep(bench, step, kind, evenly(places, most), before, about["outcome"])
        found[kind] = {"places": len(places), **vars(done)}
    return found


def main() -> None:
    """Open a namespace, fill, and print what came of it as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="commands; the others run undisturbed")
    parser.add_argument("--most", type=int, default=40, help="no command is run more often for pages, or for files")
    parser.add_argument("--work", type=Path, help="where what is done is kept, so that it need not be done again")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(inside(given.work, given.only, given.most), ensure_ascii=False))
        return
    with tempfile.TemporaryDirectory(prefix="full-disk-") as name:
        work = (given.work or Path(name)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-W", "ignore", "-m", "benchmarks.full_disk", "--inside", "--work", str(work)]
        more = ["--most", str(given.most), "--only", *given.only]
        opened = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
        done = subprocess.run([*opened, *words, *more], check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(done.stdout)
    print(json.dumps(report, ensure_ascii=False))
    if any(step[kind]["problems"] for step in report.values() for kind in KINDS):
        raise SystemExit("not as it must be")


if __name__ == "__main__":
    main()
