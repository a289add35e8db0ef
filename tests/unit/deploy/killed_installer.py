"""Kills install.sh (kill -9) before each command that changes something, and runs it again; prints what was left.

python killed_installer.py OLD NEW KEY WORK EVERY: OLD and NEW are unpacked archives; before every EVERYth command of
an installation and an upgrade, and every second of a rollback and an uninstallation, which are quick. As JSON: for each
action the number of its commands, and what went wrong: another end than without a kill, data that changed, or, in the
middle, no version that runs.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

CHANGES = ("cp", "mv", "rm", "ln", "mkdir", "rmdir", "chmod", "sync", "flock")
# Counts the command, and ends the whole group of processes where its number is up.
SHIM = """#!/bin/sh
read -r n <"$KILLED_COUNT"
n=$((n + 1))
echo $n >"$KILLED_COUNT"
[ $n != "$KILLED_BEFORE" ] || kill -KILL 0
PATH=${PATH#*:}
exec "${0##*/}" "$@"
"""
DATA = Path("var/lib/realign-edge/results.sqlite")


def main(old: Path, new: Path, key: Path, work: Path, every: int) -> dict[str, Any]:
    """Each action in turn, from the tree that it begins with."""
    bare, one, two = (work / name for name in ("bare", "one", "two"))
    bare.mkdir(parents=True)
    shutil.copytree(bare, one)
    assert _run(work, old, key, one, "install") > 0
    (one / DATA).write_text("verdicts")
    shutil.copytree(one, two, symlinks=True)
    assert _run(work, new, key, two, "install") > 0
    moves = [("install", new, bare), ("install", new, one), ("rollback", new, two), ("uninstall", new, two)]
    names = ("install", "upgrade", "rollback", "uninstall")
    often = (every, every, min(every, 2), min(every, 2))
    return {n: _swept(work, *move, key, step) for n, move, step in zip(names, moves, often, strict=True)}


def _swept(work: Path, action: str, archive: Path, start: Path, key: Path, every: int) -> dict[str, Any]:
    whole = _from(work, start)
    commands = _run(work, archive, key, whole, action)
    wanted, wrong, kills = _tree(whole), [], 0
    for n in range(1, commands + 1, every):
        root = _from(work, start)
        assert _run(work, archive, key, root, action, n) < 0
        kills += 1
        if start != work / "bare" and action != "uninstall" and not _runs(root):
            wrong.append(f"before command {n}: no version runs")
        if _run(work, archive, key, root, action) < 0 or _tree(root) != wanted:
            wrong.append(f"before command {n}: another end: {sorted(set(_tree(root)) ^ set(wanted))[:6]}")
        if start != work / "bare" and (root / DATA).read_text() != "verdicts":
            wrong.append(f"before command {n}: the data changed")
    return {"commands": commands, "kills": kills, "wrong": wrong}


def _from(work: Path, start: Path) -> Path:
    """The place of the machine is the same each time: programs know their own path."""
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    return Path(shutil.copytree(start, root, symlinks=True))


def _run(work: Path, archive: Path, key: Path, root: Path, action: str, before: int = 0) -> int:
    """How many commands it took; -1 where it was killed."""
    shims = work / "shims"
    if not shims.exists():
        shims.mkdir()
        for name in CHANGES:
            (shims / name).write_text(SHIM)
            (shims / name).chmod(0o755)
    count = work / "count"
    count.write_text("0\n")
    environment = {
        **os.environ,
        "PATH": f"{shims}:{os.environ['PATH']}",
        "KILLED_COUNT": str(count),
        "KILLED_BEFORE": str(before),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = [str(archive / "install.sh"), action, "--root", str(root), "--key", str(key)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, start_new_session=True)
    if before:
        assert done.returncode == -signal.SIGKILL, done.stderr
        return -1
    assert done.returncode == 0, done.stderr
    return int(count.read_text())


def _runs(root: Path) -> bool:
    command = root / "opt/realign-edge/current/bin/realign-edge"
    return command.exists() and subprocess.run([command, "--version"], capture_output=True).returncode == 0


def _tree(root: Path) -> list[str]:
    found = (p for p in root.rglob("*") if "__pycache__" not in p.parts)
    return sorted(f"{p.relative_to(root)}{' -> ' + str(p.readlink()) if p.is_symlink() else ''}" for p in found)


if __name__ == "__main__":
    old, new, key, work = map(Path, sys.argv[1:5])
    print(json.dumps(main(old, new, key, work, int(sys.argv[5])), indent=1))
