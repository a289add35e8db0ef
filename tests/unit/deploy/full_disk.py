"""Installs an archive on a disk that fills in the middle, with ever more room; prints what happened each time.

python full_disk.py UNPACKED KEY DISK STEPS, under `unshare -m`: DISK becomes a small file system in memory. First it
may hold so many further files; then so many pages are left once install.sh has seen that there is enough.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PAGE, SIZE, FILES = 4096, "1500m", 100_000
# Stands in for Python, and lets the disk fill before the first thing that is made with it.
FILLING = """#!/bin/sh
used=$(df -Pk {disk} | awk 'NR == 2 {{print $3}}')
case "$*" in *"-m venv"*) mount -o remount,size=$((used + {free} * 4))k {disk} ;; esac
exec {python} "$@"
"""


def main(unpacked: Path, key: Path, disk: Path, steps: int) -> list[dict[str, Any]]:
    _mount(disk, "-t", "tmpfs", "tmpfs")
    _widen(disk)
    begun = _used(disk)
    assert _install(unpacked, key, disk).returncode == 0
    wanted, (pages, files) = _tree(disk), (now - then for now, then in zip(_used(disk), begun, strict=True))
    tries = []
    for kind, most in (("files", files), ("pages", pages)):
        for n in range(steps):
            tries.append(_tried(unpacked, key, disk, kind, n * most // steps, wanted))
    return tries


def _tried(unpacked: Path, key: Path, disk: Path, kind: str, free: int, wanted: list[str]) -> dict[str, Any]:
    subprocess.run(["rm", "-rf", disk / "root"], check=True)
    python = disk.parent / "python"
    python.write_text(FILLING.format(disk=disk, free=free, python=sys.executable))
    python.chmod(0o755)
    if kind == "files":
        _mount(disk, "-o", f"remount,nr_inodes={_used(disk)[1] + free}")
        done = _install(unpacked, key, disk)
    else:
        done = _install(unpacked, key, disk, "--python", str(python))
    left = [p for p in _tree(disk) if p.endswith(".tmp")]
    half = [str(p) for p in disk.glob("root/opt/realign-edge/*-*") if not (p / ".complete").exists()]
    _widen(disk)
    again = _install(unpacked, key, disk)
    same = _tree(disk) == wanted
    about = {"kind": kind, "free": free, "code": done.returncode, "said": done.stderr, "left": left + half}
    return {**about, "again": again.returncode, "same": same, "again_said": again.stderr}


def _install(unpacked: Path, key: Path, disk: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [str(unpacked / "install.sh"), "--root", str(disk / "root"), "--key", str(key), *more]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(words, capture_output=True, text=True, env=environment)


def _tree(disk: Path) -> list[str]:
    return sorted(str(p.relative_to(disk)) for p in disk.rglob("*") if "__pycache__" not in p.parts)


def _used(disk: Path) -> tuple[int, int]:
    room = os.statvfs(disk)
    return (room.f_blocks - room.f_bfree) * room.f_bsize // PAGE, room.f_files - room.f_ffree


def _widen(disk: Path) -> None:
    _mount(disk, "-o", f"remount,size={SIZE},nr_inodes={FILES}")


def _mount(disk: Path, *words: str) -> None:
    subprocess.run(["mount", *words, str(disk)], check=True)


if __name__ == "__main__":
    unpacked, key, disk = map(Path, sys.argv[1:4])
    print(json.dumps(main(unpacked, key, disk, int(sys.argv[4]))))
