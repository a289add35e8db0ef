"""What a command of the day comes to, without its times: the same after a full disk as if nothing had happened."""

import json
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm import judge
from benchmarks.appliance_storm.at_once import whole_report
from benchmarks.appliance_storm.stages import Place
from realign_edge.bundle.keys import read_public, workstation_key
from realign_edge.bundle.store import CURRENT, PREVIOUS
from realign_edge.evaluation.preference.answers import read_answers
from realign_edge.evaluation.preference.choices import standing_choices
from realign_edge.files import sha256_file
from realign_edge.results.model import Disposition, Inspection
from realign_edge.results.query import Query
from realign_edge.results.store import Results
from realign_edge.runs.run import list_runs


def outcome(name: str, place: Place) -> dict[str, Any]:
    """Of the command of this name."""
    found = _OWN.get(name)
    return found(place) if found is not None else judge.outcome(name, place)


def _photos(place: Place) -> dict[str, Any]:
    with Results.read(place.home) as results:
        problems, entries = results.verify(), [e.content for e in results.entries()]
    said = [e for e in entries if isinstance(e, Inspection)]
    return {
        "verdicts": sorted({(e.sha256, e.verdict, e.description) for e in said}),
        "chain problems": len(problems),
        "thumbnails": len(list(place.home.glob("thumbnails/*/*.jpg"))),
    }


def _review(place: Place) -> dict[str, Any]:
    query = "SELECT pair_id, verdict, reviewer FROM review_log"
    with closing(sqlite3.connect(f"{(place.home / 'catalog.sqlite').as_uri()}?mode=ro", uri=True)) as db:
        rows = sorted(map(list, db.execute(query)))
        seats = db.execute("SELECT count(*) FROM review_seats").fetchone()[0]
    return {"decisions": rows, "seats": seats}


def _blind(place: Place) -> dict[str, Any]:
    run = list_runs(place.home / "runs")[-1].folder
    choices = standing_choices(run, read_answers(run).pairs)
    lines = (run / "preference_test.jsonl").read_text(encoding="utf-8").splitlines()
    return {
        "choices": sorted((c.person, c.photo, c.preferred) for c in choices),
        "lines": len(list(map(json.loads, lines))),
        "result": json.loads((run / "preference_test.json").read_bytes()),
    }


def _decided(place: Place) -> dict[str, Any]:
    """Who decided what about which row, each once."""
    with Results.read(place.home) as results:
        problems, entries = results.verify(), [e.content for e in results.entries()]
        waiting = len(list(results.entries(query=Query(review=True))))
    said = Counter((e.entry, e.decision, e.verdict, e.operator) for e in entries if isinstance(e, Disposition))
    return {"decisions": sorted(said.items()), "waiting": waiting, "chain problems": len(problems)}


def _corrections(place: Place) -> dict[str, Any]:
    folder = place.root / "corrections"
    return {"files": {str(p.relative_to(folder)): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}}


def _copy(place: Place) -> dict[str, Any]:
    with Results.read(place.root / "copy.sqlite") as results:
        problems, rows = results.verify(), results.head().entries
    beside = sorted(p.name for p in place.root.iterdir() if p.name.startswith("copy."))
    return {"rows": rows, "chain problems": len(problems), "files": beside}


def _run_report(place: Place) -> dict[str, Any]:
    files = sorted((place.root / "run-reports").iterdir())
    return {"whole": [(p.suffix, whole_report(p)) for p in files]}


def _pair_file(place: Place) -> dict[str, Any]:
    return {"pairs": sha256_file(place.root / "pairs.jsonl")}


def _key(place: Place) -> dict[str, Any]:
    private = place.home / "keys" / "signing.pem"
    public = read_public(place.home / "keys" / "workstation.pub")
    return {
        "belong together": workstation_key(place.home).public.raw == public.raw,
        "mode": oct(stat.S_IMODE(private.stat().st_mode)),
        "new": sha256_file(private) != (place.root.parent.parent / "old-key").read_text(encoding="utf-8"),
    }


def _bundles(place: Place) -> dict[str, Any]:
    folder = place.home / "bundles"
    links = {name: str((folder / name).readlink()) for name in (CURRENT, PREVIOUS)}
    return {**links, "all": sorted(p.name for p in folder.iterdir() if p.name != ".lock")}


def _revoked(place: Place) -> dict[str, Any]:
    return {"keys": sorted(p.name for p in (place.home / "trusted_keys").iterdir())}


def _trust(place: Place) -> dict[str, Any]:
    return {"trusted": len(list((place.home / "trusted_keys").glob("*.pub")))}


def _model(place: Place) -> dict[str, Any]:
    folder = place.home / "models" / "carried"
    files = [p for p in folder.iterdir() if p.name != "manifest.json" and "realign" not in p.name]
    return {"files": {p.name: sha256_file(p) for p in sorted(files)}, "all": sorted(p.name for p in folder.iterdir())}


def _floor(place: Place) -> dict[str, Any]:
    folder = place.root / "demo"
    return {"files": {str(p.relative_to(folder)): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}}


def _prune(place: Place) -> dict[str, Any]:
    return {"runs": sorted(p.name for p in (place.home / "runs").iterdir())}


_OWN: dict[str, Callable[[Place], dict[str, Any]]] = {
    "photos": _photos,
    "review": _review,
    "blind test": _blind,
    "decide": _decided,
    "answers": _decided,
    "corrections": _corrections,
    "copy": _copy,
    "run report": _run_report,
    "pair file": _pair_file,
    "import": judge._pairs,
    "model": _model,
    "demo": _floor,
    "new key": _key,
    "trust": _trust,
    "refresh": judge._index,
    "rollback": _bundles,
    "bundle prune": _bundles,
    "revoke": _revoked,
    "prune": _prune,
}


def as_kept(found: dict[str, Any]) -> Any:
    """As JSON gives it back: tuples are lists."""
    return json.loads(json.dumps(found))


def photos_of(place: Place) -> Counter[str]:
    """Of the watched folder, wherever below it they lie now; by SHA-256."""
    return Counter(sha256_file(p) for p in place.incoming.rglob("*.jpg") if not p.name.startswith("."))


def remember_key(place: Place) -> Path:
    """Which key was there before a new one is made."""
    path, key = place.root.parent.parent / "old-key", place.home / "keys" / "signing.pem"
    path.write_text(sha256_file(key) if key.exists() else "", encoding="utf-8")
    return path
