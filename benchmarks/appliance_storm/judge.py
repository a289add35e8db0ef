"""What a stage comes to once it has run to its end: the same after any number of kills as after none."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.at_once import whole_report
from benchmarks.appliance_storm.stages import Place
from realign_edge.appliance.upkeep.backup import known_backups
from realign_edge.appliance.upkeep.model import STATUS
from realign_edge.errors import RealignError
from realign_edge.files import fingerprint, sha256_file
from realign_edge.results.model import Inspection
from realign_edge.results.store import Results

# Carry a time or a number that follows from one, or are signed over such.
_TIMED = ("manifest.json", "manifest.sig")


def outcome(stage: str, place: Place) -> dict[str, Any]:
    """Without times, and as JSON has it."""
    made: dict[str, Any] = json.loads(json.dumps(globals()[f"_{stage}"](place)))
    return made


def differences(stage: str, place: Place, wanted: Mapping[str, Any]) -> list[str]:
    """In words: what is not as undisturbed; that nothing can be made of it is one, too."""
    try:
        found = outcome(stage, place)
    except (OSError, ValueError, LookupError, sqlite3.Error, RealignError) as problem:
        return [f"what came out cannot be judged: {type(problem).__name__}: {problem}"[:300]]
    return [
        f"{name} is not as undisturbed{_where(found[name], was)}" for name, was in wanted.items() if found[name] != was
    ]


def _where(found: Any, wanted: Any) -> str:
    """Which files differ, where it is about files."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return f": {found} for {wanted}"[:200]
    return ": " + ", ".join(sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))[:5])


def _index(place: Place) -> dict[str, Any]:
    index = [p for p in place.home.glob("index/*/*") if p.suffix not in (".json", ".tmp")]
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
    whole = {p.suffix: whole_report(p) for p in files}
    (plain,) = (json.loads(p.read_bytes()) for p in files if p.suffix == ".json")
    return {"whole": sorted(whole.items()), "listed": len(plain["photos"])}


def _backup(place: Place) -> dict[str, Any]:
    return {"backups": len(known_backups(place.home / "backups"))}


def _maintain(place: Place) -> dict[str, Any]:
    said = json.loads((place.home / STATUS).read_bytes())["outcomes"]
    backups = known_backups(place.home / "backups")
    whole = all(sha256_file(b.folder / name) == digest for b in backups for name, digest in b.files.items())
    return {
        "duties": [(o["duty"], o["state"]) for o in said],
        "backups whole": whole and len(backups) == 1,
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
    """Files by name; what killed writes left beside theirs is the upkeep's, and judged after it."""
    files = [p for p in sorted(folder.resolve().rglob("*")) if p.is_file() and p.name not in _TIMED]
    files = [p for p in files if not (p.name.startswith(".") and p.suffix == ".tmp")]
    return {str(p.relative_to(folder.resolve())): _hash(p) for p in files}


def _hash(path: Path) -> str:
    """SHA-256; of a parity report without how long each precision took."""
    if path.name != "parity.json":
        return sha256_file(path)
    values = json.loads(path.read_bytes())
    return fingerprint({name: value for name, value in values.items() if not name.startswith("milliseconds")})
