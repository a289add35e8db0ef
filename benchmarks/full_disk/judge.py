"""What must hold right after a command that met a full disk: it said so, and nothing is torn, lost or left behind."""

import shutil
import tempfile
from pathlib import Path

from benchmarks.appliance_storm.at_once import problems_now
from benchmarks.appliance_storm.stages import Place
from benchmarks.full_disk.day import Step
from benchmarks.full_disk.outcomes import photos_of
from realign_edge.results.store import Results

# What the words on a full disk must hold, one of each row.
WHAT = ("no space left", "is full", "are free at")
TODO = ("free some space", "make room", "delete files")
# How unfinished files and folders are named, by whichever part of the program.
_UNFINISHED = (".tmp", ".adding", ".deleting", ".link", ".part")
# Comes and goes with a command: SQLite's logs, what is worked with in training and export, where somebody sits.
_PASSING = ("-wal", "-shm", "-journal", ".lock")
_WORKED_WITH = ("checkpoints", "export")


def wrong(place: Place, before: Path, step: Step, code: int | None, words: str) -> list[str]:
    """Everything that is not as it should be."""
    found = [*problems_now(place), *chain(place), *unfinished(place)]
    if not step.removes:
        found += lost(place, before)
    if photos_of(place) != photos_of(Place(before, place.floor, place.config, place.appliance)):
        found.append("a photo is lost or doubled")
    if code != 1:
        found.append(f"exit code {code}: {words[-300:]}")
    return found + _said(place, words)


def _said(place: Place, words: str) -> list[str]:
    """In two lines that are for people: what, where, what to do."""
    found = []
    for row in (WHAT, TODO, (str(place.root),)):
        if not any(part.lower() in words.lower() for part in row):
            found.append(f"not said: {row[0]}: {words[-300:]}")
    if "Traceback" in words or "inside realign-edge" in words:
        found.append(f"not for people: {words[-600:]}")
    lines = [line for line in words.splitlines() if line.startswith(("error: ", "hint: "))]
    told = "✗ " in words or len(lines) == 2
    return found if told else [*found, f"not in two lines: {words[-300:]}"]


def chain(place: Place) -> list[str]:
    """The results in a copy, so that what recovers them is the next command."""
    if not (place.home / "results.sqlite").exists():
        return []
    with tempfile.TemporaryDirectory() as folder:
        for path in place.home.glob("results.*"):
            if not path.name.endswith("-shm"):
                shutil.copyfile(path, Path(folder) / path.name)
        try:
            with Results.open(Path(folder)) as results:
                return [f"results, row {p.number}: {p.what}" for p in results.verify()]
        except Exception as problem:
            return [f"results: {problem}"]


def unfinished(place: Place) -> list[str]:
    """Half-written files that nobody took away."""
    found = (p for p in place.root.rglob(".*") if p.name.endswith(_UNFINISHED))
    return [f"left behind: {p.relative_to(place.root)}" for p in sorted(found)]


def lost(place: Place, before: Path) -> list[str]:
    """Files that were there and are not any longer."""
    found = []
    for path in before.rglob("*"):
        name = path.relative_to(before)
        passing = path.name.endswith(_PASSING) or bool(set(_WORKED_WITH) & set(name.parts)) or "incoming" in name.parts
        if not passing and path.is_file() and not (place.root / name).exists():
            found.append(f"lost: {name}")
    return sorted(found)
