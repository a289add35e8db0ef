"""Runs a station's commands on a disk with so many free pages, for several numbers of them; prints what happened.

python full_disk_stages.py HOME INCOMING DISK, under `unshare -m`: DISK becomes a small file system in memory.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.at_once import problems_now, strays
from benchmarks.appliance_storm.child import run
from benchmarks.appliance_storm.stages import Place

PAGE = 4096
COMMANDS = {
    "inspect": ("inspect", "{incoming}", "--quiet"),
    "report": ("report", "--out", "{disk}/place/reports", "--format", "html,csv,json", "--quiet"),
    "backup": ("maintain", "run", "--only", "backup", "--quiet"),
    "restore": ("maintain", "restore", "latest", "--yes", "--quiet"),
}
PAGES = (0, 2, 16)


def main(home: Path, incoming: Path, disk: Path) -> dict[str, list[dict[str, Any]]]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
    place = Place(disk / "place", disk, disk, disk)
    shutil.copytree(home, place.home, symlinks=True)
    place.reports.mkdir()
    log, found = disk.with_name("words.log"), dict[str, list[dict[str, Any]]]()
    from realign_edge.cli.main import app  # noqa: F401 - loaded once, for all that is forked

    for name, words in COMMANDS.items():
        told = [word.format(incoming=incoming, disk=disk) for word in words]
        found[name] = [tried(place, disk, log, told, pages) for pages in PAGES]
    return found


def tried(place: Place, disk: Path, log: Path, words: list[str], pages: int) -> dict[str, Any]:
    """Fill, run, make room, run again, and put everything back as it was before the last try."""
    before, environment = disk.with_name("before"), {"REALIGN_EDGE_HOME": str(place.home)}
    shutil.rmtree(before, ignore_errors=True)
    shutil.copytree(place.root, before, symlinks=True)
    log.unlink(missing_ok=True)
    with (disk / "filler").open("wb", buffering=0) as file:
        room = os.statvfs(disk)
        os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_bsize - pages * PAGE))
    code = run(words, environment, place.root, log).code
    (disk / "filler").unlink()
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    about = {"pages": pages, "code": code, "words": said, "strays": strays(place), "problems": problems_now(place)}
    about["again"] = run(words, environment, place.root, log).code
    if pages != PAGES[-1]:
        shutil.rmtree(place.root)
        shutil.copytree(before, place.root, symlinks=True)
    return about


if __name__ == "__main__":
    print(json.dumps(main(*map(Path, sys.argv[1:4]))))
