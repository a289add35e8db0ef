"""What must hold after each kill, and what a stage comes to once it has run to its end."""

import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.stages import Place
from realign_edge.appliance.upkeep.backup import known_backups
from realign_edge.appliance.upkeep.model import STATUS
from realign_edge.files import fingerprint, sha256_file
from realign_edge.results.model import Inspection
from realign_edge.results.store import Results

DATABASES = ("catalog.sqlite", "results.sqlite")
# Carry a time or a number that follows from one, or are signed over such.
_TIMED = ("manifest.json", "manifest.sig")
_TORN_ALLOWED = ("in-hand.json",)


def problems_now(place: Place) -> list[str]:
    """After any kill: both databases whole, and every JSON file as well. Looked at in copies, so that what recovers
    them is the next command, not this look."""
    found = [f"{name}: {what}" for name in DATABASES if (what := _damage(place.home / name))]
    for path in place.home.rglob("*.json"):
        # What is still being written lies in hidden files and folders.
        hidden = any(part.startswith(".") for part in path.relative_to(place.home).parts)
        if path.name not in _TORN_ALLOWED and not hidden:
            try:
                json.loads(path.read_bytes())
            except ValueError:
                found.append(f"{path} is torn")
    return found


def _damage(path: Path) -> str:
    if not path.exists():
        return ""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal"):
            source = Path(f"{path}{suffix}")
            if source.exists():
                shutil.copyfile(source, f"{copy}{suffix}")
        with closing(sqlite3.connect(copy)) as db:
            said = [str(row[0]) for row in db.execute("PRAGMA integrity_check")]
    return "" if said == ["ok"] else "; ".join(said[:3])


def strays(place: Place) -> list[str]:
    """Half-written files that nobody took away."""
    return sorted(str(p.relative_to(place.root)) for p in place.root.rglob(".*.tmp"))


def outcome(stage: str, place: Place) -> dict[str, Any]:
    """What a stage came to, without its times: the same after any number of kills as after none."""
    made: dict[str, Any] = globals()[f"_{stage}"](place)
    return made


def _index(place: Place) -> dict[str, Any]:
    index = [p for p in place.home.glob("index/*/*") if p.suffix != ".json"]
    return {
        "features": _inventory(place.home / "features"),
        "index": sorted(sha256_file(p) for p in index),
        "photos": _rows(place, "SELECT sha256, width, height FROM photos"),
    }


def _pairs(place: Place) -> dict[str, Any]:
    return {"pairs": _rows(place, "SELECT * FROM pairs")}


def _training(place: Place) -> dict[str, Any]:
    return {**_pairs(place), "adapter": sha256_file(_run(place) / "adapter" / "adapter_model.safetensors")}


def _evaluation(place: Place) -> dict[str, Any]:
    return {"evaluation": sha256_file(_run(place) / "evaluation.json")}


def _export(place: Place) -> dict[str, Any]:
    return {"bundle": _inventory(_run(place) / "bundle"), "left": (_run(place) / "export").exists()}


def _install(place: Place) -> dict[str, Any]:
    same = sha256_file(place.home / "bundles" / "current" / "manifest.json") == sha256_file(
        _run(place) / "bundle" / "manifest.json"
    )
    return {"bundle": _inventory(place.home / "bundles" / "current"), "the one of the run": same}


def _inspect(place: Place) -> dict[str, Any]:
    with Results.read(place.home) as results:
        problems, entries = results.verify(), [e.content for e in results.entries()]
    photos = Counter(e.sha256 for e in entries if isinstance(e, Inspection))
    return {
        "verdicts": sorted((e.sha256, e.verdict, e.description) for e in entries if isinstance(e, Inspection)),
        "doubled": sum(n - 1 for n in photos.values()),
        "rows": len(entries),
        "chain problems": len(problems),
        "waiting": sum(p.is_file() for p in place.incoming.iterdir()),
        "moved": sorted(sha256_file(p) for p in (place.incoming / "done").iterdir()),
        "thumbnails": sorted(p.name for p in place.home.glob("thumbnails/*/*.jpg") if p.stem in photos),
    }


def _report(place: Place) -> dict[str, Any]:
    files = [p for p in place.reports.iterdir() if not p.name.startswith(".")]
    whole = {p.suffix: _whole(p.suffix, p.read_bytes()) for p in files}
    (plain,) = (json.loads(p.read_bytes()) for p in files if p.suffix == ".json")
    return {"whole": sorted(whole.items()), "listed": len(plain["photos"])}


def _whole(suffix: str, data: bytes) -> bool:
    ends = {".html": b"</html>", ".pdf": b"%%EOF", ".json": b"}", ".csv": b"\n"}
    return data.endswith((ends[suffix], ends[suffix] + b"\n"))


def _maintain(place: Place) -> dict[str, Any]:
    said = json.loads((place.home / STATUS).read_bytes())["outcomes"]
    backups = known_backups(place.home / "backups")
    whole = all(sha256_file(b.folder / name) == digest for b in backups for name, digest in b.files.items())
    return {
        "duties": [(o["duty"], o["state"]) for o in said],
        "backups whole": whole and 1 <= len(backups) <= 3,
        "newest rows": backups[-1].rows,
    }


def _restore(place: Place) -> dict[str, Any]:
    with Results.read(place.home) as results:
        problems, head = results.verify(), results.head()
    return {**_pairs(place), "rows": head.entries, "chain problems": len(problems)}


def _run(place: Place) -> Path:
    """The only one."""
    (about,) = place.home.glob("runs/2*/run.json")
    return about.parent


def _rows(place: Place, query: str) -> str:
    with closing(sqlite3.connect(f"{(place.home / 'catalog.sqlite').as_uri()}?mode=ro", uri=True)) as db:
        rows = sorted(str(row) for row in db.execute(query))
    return f"{len(rows)} {fingerprint(rows)}"


def _inventory(folder: Path) -> dict[str, str]:
    files = [p for p in sorted(folder.resolve().rglob("*")) if p.is_file() and p.name not in _TIMED]
    return {str(p.relative_to(folder.resolve())): _hash(p) for p in files}


def _hash(path: Path) -> str:
    """SHA-256; of a parity report without how long each precision took."""
    if path.name != "parity.json":
        return sha256_file(path)
    values = json.loads(path.read_bytes())
    return fingerprint({name: value for name, value in values.items() if not name.startswith("milliseconds")})
