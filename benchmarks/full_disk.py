"""A disk that is full at every write of every stage: `python -m benchmarks.full_disk` (root, or user namespaces).

Everything of a state folder lies on a small file system in memory, which is filled until exactly so many pages are
free: none, one, two, three, four, six, eight, and ever more, until the stage comes to its end. Each time the command
must say what failed, where and what to do, in two lines and with exit code 1, leave both databases whole and nothing
half-written; and with the room back, the same command must come to what it comes to undisturbed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.__main__ import load_libraries, made
from benchmarks.appliance_storm.child import run
from benchmarks.appliance_storm.judge import outcome, problems_now, strays
from benchmarks.appliance_storm.lap import Calm, calm, prepare
from benchmarks.appliance_storm.stages import GOOD, Place, Stage, stages

PAGE, MOST_PAGES = 4096, 16_384
SIZE = "160m"
# What the words on a full disk must hold, one of each row.
WHAT = ("no space left", "is full", "are free at")
TODO = ("free some space", "make room")


def pages() -> Iterator[int]:
    """0 1 2 3 4 6 8 12 16 24 32 64 128 and so on: how many pages are left free."""
    yield from (0, 1, 2, 3, 4, 6, 8, 12, 16, 24)
    free = 32
    while free < MOST_PAGES:
        yield free
        free *= 2


def sweep(place: Place, usual: dict[str, Calm], only: list[str]) -> dict[str, Any]:
    """Every stage with ever more room; by stage how often it failed, and with how many free pages it went well."""
    found: dict[str, Any] = {}
    for stage in stages(place):
        if only and stage.name not in only:
            _must(place, stage)
            continue
        before = place.root.parent.parent / "before"
        _mirror(place.root, before)
        failed, problems = 0, list[str]()
        for free in pages():
            code, words = _with_room(place, stage, free)
            if code in GOOD and not problems_now(place):
                break
            failed += 1
            problems += [f"{stage.name}, {free} pages: {p}" for p in _wrong(place, code, words)]
            problems += [f"{stage.name}, {free} pages, again: {p}" for p in _again(place, stage, usual)]
            _mirror(before, place.root)
        found[stage.name] = {"full": failed, "enough": free, "problems": problems}
        print(f"{stage.name}: {failed} times full, {len(problems)} problems", file=sys.stderr, flush=True)
        _mirror(before, place.root)
        _must(place, stage)
    return found


def _with_room(place: Place, stage: Stage, free: int) -> tuple[int | None, str]:
    """Fill the disk but for `free` pages, run, and take the filler away."""
    filler, log = place.root.parent / "filler", place.root.parent.parent / "words.log"
    log.unlink(missing_ok=True)
    with filler.open("wb", buffering=0) as file:
        room = os.statvfs(place.root)
        os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_bsize - free * PAGE))
    code = run(stage.words, _environment(place), place.root, log, None, _enough(place, stage)).code
    # Before room is made again: a process that is gone cannot clean up later.
    filler.unlink()
    return code, log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def _wrong(place: Place, code: int | None, words: str) -> list[str]:
    """What is not as it should be right after the failure."""
    found = problems_now(place) + [f"left behind: {name}" for name in strays(place)]
    if code != 1:
        found.append(f"exit code {code}")
    for row in (WHAT, TODO, (str(place.root),)):
        if not any(part.lower() in words.lower() for part in row):
            found.append(f"not said: {row[0]}: {words[-300:]}")
    if "Traceback" in words or "inside realign-edge" in words:
        found.append(f"not for people: {words[-600:]}")
    return found


def _again(place: Place, stage: Stage, usual: dict[str, Calm]) -> list[str]:
    code = _must(place, stage)
    if code not in GOOD:
        return [f"exit code {code}"]
    made_now = outcome(stage.name, place)
    return [
        f"{name} is not as undisturbed"
        for name, wanted in usual[stage.name].outcome.items()
        if made_now[name] != wanted
    ]


def _must(place: Place, stage: Stage) -> int | None:
    log = place.root.parent.parent / "again.log"
    return run(stage.words, _environment(place), place.root, log, None, _enough(place, stage)).code


def _environment(place: Place) -> dict[str, str]:
    return {"REALIGN_EDGE_HOME": str(place.home), "REALIGN_EDGE_CONFIG": str(place.appliance)}


def _enough(place: Place, stage: Stage) -> Any:
    return (lambda: not any(p.is_file() for p in place.incoming.iterdir())) if stage.watching else None


def _mirror(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)


def inside(work: Path, only: list[str]) -> dict[str, Any]:
    """In a mount namespace of its own."""
    place, photos = made(work)
    disk = place.root.parent
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)], check=True)
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    load_libraries(work, place, photos)
    prepare(place, photos)
    usual = calm(place)
    prepare(place, photos)
    return sweep(place, usual, only)


def main() -> None:
    """Open a namespace, fill, and print what came of it as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="stages; the others run undisturbed")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        print(json.dumps(inside(given.work, given.only), ensure_ascii=False))
        return
    with tempfile.TemporaryDirectory(prefix="full-disk-") as name:
        words = [sys.executable, "-m", "benchmarks.full_disk", "--work", name, "--only", *given.only]
        opened = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
        done = subprocess.run([*opened, *words], check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(done.stdout)
    print(json.dumps(report, ensure_ascii=False))
    if any(stage["problems"] for stage in report.values()):
        raise SystemExit("not as it must be")


if __name__ == "__main__":
    main()
