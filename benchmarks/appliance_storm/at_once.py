"""What must hold after any kill, before anything is started again.

A restart that puts something right is no excuse for it: between the two somebody may look, copy or switch off.
"""

import json
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.stages import Place
from realign_edge.files import sha256_file
from realign_edge.results.chain import Stored, chain_problems

CATALOG, RESULTS = "catalog.sqlite", "results.sqlite"
# A torn one is as good as none, says station/watching/inhand.py.
_TORN_ALLOWED = ("in-hand.json",)
# A kill between a row and its head leaves the head one row behind, and the next who opens the file puts it right.
MOST_BEHIND = 1
_ENDS = {".html": b"</html>", ".pdf": b"%%EOF", ".json": b"}", ".csv": b"\n"}
# What stages.json promises: that these are there, in the run's folder.
_PROMISED = {
    "train": ("adapter/adapter_model.safetensors", "adapter/adapter_config.json"),
    "evaluate": ("evaluation.json", "answers.json"),
    "export": ("bundle/manifest.json", "bundle/manifest.sig"),
}


def problems_now(place: Place) -> list[str]:
    """In words. Databases are looked at in copies, so that what recovers them is the next command, not this look."""
    found = []
    for look in (_databases, _json_files, _weights, _sums, _backups, _bundles, _runs, _reports, _verdicts):
        try:
            found += list(look(place))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, sqlite3.Error) as problem:
            found.append(f"{look.__name__[1:]} cannot be looked at: {type(problem).__name__}: {problem}")
    return found


def strays(place: Place) -> list[str]:
    """Half-written files that nobody took away."""
    return sorted(str(p.relative_to(place.root)) for p in place.root.rglob(".*.tmp"))


def whole_report(path: Path) -> bool:
    """Does it end as its form does?"""
    end, data = _ENDS[path.suffix], path.read_bytes()
    return data.endswith((end, end + b"\n"))


def _databases(place: Place) -> Iterator[str]:
    for name in (CATALOG, RESULTS):
        said = [row[0] for row in _rows(place.home / name, "PRAGMA integrity_check")]
        if said not in ([], ["ok"]):
            yield f"{name}: {'; '.join(map(str, said[:3]))}"


def _json_files(place: Place) -> Iterator[str]:
    """Every file whole; of lines that are appended, all but the last."""
    for path in _shown(place.home, "*.json"):
        if path.name not in _TORN_ALLOWED and not _is_json(path.read_bytes()):
            yield f"{path} is torn"
    for path in _shown(place.home, "*.head"):
        if not _is_json(path.read_bytes()):
            yield f"{path} is torn"
    for path in _shown(place.home, "*.jsonl"):
        if not all(map(_is_json, path.read_bytes().split(b"\n")[:-1])):
            yield f"{path} has a torn line before its end"


def _weights(place: Place) -> Iterator[str]:
    """A safetensors file is 8 bytes with the length of its header, the header, and as many bytes as that names."""
    for path in _shown(place.home, "*.safetensors"):
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = (
            json.loads(data[8 : 8 + length]) if len(data) >= 8 + length > 8 and _is_json(data[8 : 8 + length]) else {}
        )
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        if not ends or len(data) != 8 + length + max(ends):
            yield f"{path} is torn"


def _sums(place: Place) -> Iterator[str]:
    """What names a file's SHA-256 comes after the file."""
    named = [(p, p.with_suffix(".safetensors")) for p in place.home.glob("runs/*/checkpoints/step-*.json")]
    named += [(p, p.with_name("index.hnsw")) for p in place.home.glob("index/*/manifest.json")]
    for manifest, file in named:
        if not file.is_file() or sha256_file(file) != json.loads(manifest.read_bytes())["sha256"]:
            yield f"{manifest} is of another {file.name} than there is"


def _backups(place: Place) -> Iterator[str]:
    """What lies under the name of a backup is one."""
    for folder in (p for p in place.home.glob("backups/*") if not p.name.startswith(".")):
        if not (folder / "manifest.json").is_file():
            yield f"{folder} is no whole backup: it has no manifest"
        else:
            files = json.loads((folder / "manifest.json").read_bytes())["files"]
            wrong = [n for n, digest in files.items() if not _has(folder / n, digest)]
            if wrong:
                yield f"{folder} is no whole backup: {', '.join(wrong[:3])}"


def _bundles(place: Place) -> Iterator[str]:
    """What lies under the name of a bundle is one, and the links lead to one."""
    folders = [*place.home.glob("runs/2*/bundle"), *(p for p in place.home.glob("bundles/*") if not p.is_symlink())]
    for folder in (p for p in folders if p.is_dir() and not p.name.startswith(".")):
        manifest = folder / "manifest.json"
        files = json.loads(manifest.read_bytes()).get("files", []) if manifest.is_file() else []
        wrong = [f["path"] for f in files if not _has(folder / f["path"], f["sha256"])]
        if wrong or not files or not (folder / "manifest.sig").is_file():
            yield f"{folder} is no whole bundle: {', '.join(wrong[:3]) or 'it has no manifest, or no signature'}"
    for link in place.home.glob("bundles/*"):
        if link.is_symlink() and not link.is_dir():
            yield f"{link} leads nowhere"


def _runs(place: Place) -> Iterator[str]:
    """A folder among the runs is one, and what is called done is there."""
    for run in (p for p in place.home.glob("runs/*") if not p.name.startswith(".") and not p.is_symlink()):
        if not (run / "run.json").is_file():
            yield f"{run} is no run: it has no run.json"
        done = json.loads((run / "stages.json").read_bytes()) if (run / "stages.json").is_file() else {}
        gone = [name for stage in done for name in _PROMISED.get(stage, ()) if not (run / name).is_file()]
        if gone:
            yield f"{run} is further than its files: {', '.join(gone)}"


def _reports(place: Place) -> Iterator[str]:
    for path in place.reports.glob("*"):
        if not path.name.startswith(".") and not whole_report(path):
            yield f"{path} is torn"


def _verdicts(place: Place) -> Iterator[str]:
    """Each photo has one row; what was moved has one; the chain is whole, and the head near its end."""
    home = place.home
    rows = [
        Stored(*r)
        for r in _rows(home / RESULTS, "SELECT number, kind, content, previous, hash FROM entries ORDER BY number")
    ]
    yield from (f"row {p.number} {p.what}" for p in chain_problems(rows))
    photos = Counter(json.loads(r.content)["sha256"] for r in rows if r.kind == "inspection")
    doubled = sum(n - 1 for n in photos.values())
    if doubled:
        yield f"{doubled} photos have a row more than one"
    moved = [sha256_file(p) for p in place.incoming.glob("done/*") if not p.name.startswith(".")]
    # While a backup is put back, or before anything is inspected, there are no results at all.
    if (home / RESULTS).exists() and (lost := sum(sha not in photos for sha in moved)):
        yield f"{lost} photos were moved and have no row"
    yield from _head(home, [r.hash for r in rows])


def _head(home: Path, hashes: list[str]) -> Iterator[str]:
    path = home / "results.head"
    head: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {"entries": 0, "hash": ""}
    known = int(head["entries"])
    if len(hashes) > known + MOST_BEHIND:
        yield f"there are {len(hashes)} rows, and results.head knows of {known}"
    if hashes and known and (known > len(hashes) or hashes[known - 1] != head["hash"]):
        yield f"results.head knows row {known}, which is not there"


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Of a copy; none where there is no file, or only the empty one that SQLite begins with."""
    if not path.exists():
        return []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal", "-journal"):
            if os.path.exists(f"{path}{suffix}"):  # noqa: PTH110 - a suffix of the whole name
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        with closing(sqlite3.connect(copy)) as db:
            db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            if "entries" in query and not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchall():
                return []
            return db.execute(query).fetchall()


def _shown(folder: Path, pattern: str) -> list[Path]:
    """What is still being written lies in hidden files and folders."""
    found = [p for p in folder.rglob(pattern) if p.is_file()]
    return [p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts)]


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _has(path: Path, digest: str) -> bool:
    return path.is_file() and sha256_file(path) == digest
