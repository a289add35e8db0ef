"""The state folder and what lies in it: configuration, models, index, catalog, keys, bundle, results."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from realign_edge.appliance.doctor.model import Check, Name, Patient, State
from realign_edge.appliance.load import written_values
from realign_edge.appliance.where import config_file
from realign_edge.errors import RealignError
from realign_edge.files import from_json, sha256_file

GROUP = "state"


def look(patient: Patient) -> Iterator[Check]:
    """Every check of this group."""
    yield _configuration()
    yield from _folder(patient.home)
    yield from _models(patient)
    yield _database(patient, "catalog.sqlite", "catalog", "photos, records, pairs and reviews", "align")
    yield _index(patient.home)
    yield _keys(patient.home)
    yield _bundle(patient)
    yield from _results(patient)


def _configuration() -> Check:
    path = config_file()
    try:
        written_values(path)
    except RealignError as problem:
        return Check(GROUP, "configuration", "broken", problem.message, "correct it; `realign-edge config check`")
    return Check(GROUP, "configuration", "ok", str(path) if path else "no file: the defaults hold")


def _folder(home: Path) -> Iterator[Check]:
    if not os.access(home, os.W_OK | os.X_OK):
        fix = f"give this user the folder (chown {os.getuid()} {home}), or set REALIGN_EDGE_HOME"
        yield Check(GROUP, "folder", "broken", f"{home} cannot be written", fix)
    elif home.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield Check(GROUP, "folder", "warn", f"{home} can be changed by other users", f"chmod 700 {home}")
    elif strange := _of_others(home):
        more = f" and {len(strange) - 1} more" if strange[1:] else ""
        fix = f"chown -R --reference={home} {home}; run commands as its user, not as root"
        yield Check(GROUP, "folder", "broken", f"{strange[0]}{more} do not belong to the user of {home}", fix)
    else:
        yield Check(GROUP, "folder", "ok", str(home))


def _of_others(home: Path) -> list[Path]:
    """What somebody else made here, such as root by hand: the services may not be able to use it. Two levels deep."""
    owner = home.stat().st_uid
    found = [p for p in (*home.glob("*"), *home.glob("*/*")) if not p.is_symlink()]
    return sorted(p for p in found if p.lstat().st_uid != owner)


def _models(patient: Patient) -> Iterator[Check]:
    from realign_edge.modelstore.facts import facts_of
    from realign_edge.modelstore.store import installed, locate

    damaged, known = [], []
    for folder in installed():
        try:
            known.append(facts_of(folder).folder.name)
        except RealignError as problem:
            damaged.append(f"{folder.name}: {problem.message}")
    if damaged:
        yield Check(GROUP, "models", "broken", "; ".join(damaged), "`realign-edge models add` it again")
    else:
        yield Check(GROUP, "models", "ok", ", ".join(known) or "none but the embedded one")
    wanted = patient.config.align.model
    try:
        locate(wanted)
    except RealignError as problem:
        state: State = "broken" if patient.role == "workstation" else "absent"
        yield Check(GROUP, "configured model", state, problem.message, problem.hint)


def _database(patient: Patient, file: str, name: Name, holds: str, made_by: str) -> Check:
    path = patient.home / file
    if not path.exists():
        return Check(GROUP, name, "absent", f"none yet ({holds}); `realign-edge {made_by}` makes it")
    problem = damage(path, patient.thorough)
    if problem:
        fix = "stop what runs, then put the newest backup in its place: realign-edge maintain restore latest"
        return Check(GROUP, name, "broken", f"{path}: {problem}", fix)
    return Check(GROUP, name, "ok", f"{path.stat().st_size / 2**20:.1f} MiB, whole")


def damage(path: Path, thorough: bool = False) -> str:
    """What SQLite finds wrong with a file, "" for nothing; without `thorough`, indices are not compared."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30.0)) as db:
            rows = db.execute(f"PRAGMA {'integrity_check' if thorough else 'quick_check'}(5)").fetchall()
    except sqlite3.Error as problem:
        return str(problem)
    return "" if rows == [("ok",)] else "; ".join(str(r[0]) for r in rows)


def _index(home: Path) -> Check:
    found, broken = 0, []
    for manifest in sorted((home / "index").glob("*/manifest.json")):
        found += 1
        try:
            about = from_json(manifest.read_text(encoding="utf-8"))
            graph = next(p for p in manifest.parent.iterdir() if p != manifest and not p.name.startswith("."))
            if sha256_file(graph) != about["sha256"]:
                broken.append(manifest.parent.name)
        except (OSError, ValueError, KeyError, StopIteration):
            broken.append(manifest.parent.name)
    if broken:
        fix = "nothing: it is a cache, and is built anew at the next use"
        return Check(GROUP, "index", "warn", f"{', '.join(broken)} is not as it was written", fix)
    if not found:
        return Check(GROUP, "index", "absent", "none yet; `realign-edge index PHOTOS` builds it")
    return Check(GROUP, "index", "ok", f"{found} {'index' if found == 1 else 'indices'} of photos, as written")


def _keys(home: Path) -> Check:
    from realign_edge.bundle.keys import PRIVATE
    from realign_edge.bundle.trust import trusted_keys

    private = home / "keys" / PRIVATE
    if private.exists() and private.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        fix = f"chmod 600 {private}, and make a new one (`bundle keys new`) if others could read it"
        return Check(GROUP, "keys", "broken", "other users can read the signing key", fix)
    try:
        trusted = trusted_keys(home)
    except RealignError as problem:
        return Check(GROUP, "keys", "broken", problem.message, problem.hint)
    count = len(trusted.keys)
    own = "signs bundles itself" if private.exists() else "signs nothing"
    return Check(GROUP, "keys", "ok", f"{own}, trusts {count} {'key' if count == 1 else 'keys'} of others")


def _bundle(patient: Patient) -> Check:
    from realign_edge.bundle.keys import own_key
    from realign_edge.bundle.trust import trusted_keys
    from realign_edge.bundle.verify import verify_bundle
    from realign_edge.station.find import find_bundle

    try:
        folder = find_bundle(patient.home)
    except RealignError as problem:
        state: State = "broken" if patient.role == "station" else "absent"
        return Check(GROUP, "bundle", state, problem.message, problem.hint if state == "broken" else "")
    try:
        verify_bundle(folder, trusted_keys(patient.home).plus(own_key(patient.home)))
    except RealignError as problem:
        return Check(GROUP, "bundle", "broken", problem.message, problem.hint)
    return Check(GROUP, "bundle", "ok", f"{folder.name}, whole and signed by a key that is trusted")


def _results(patient: Patient) -> Iterator[Check]:
    from realign_edge.results.chain import in_short
    from realign_edge.results.store import FILE, Results

    first = _database(patient, FILE, "results", "verdicts", "inspect")
    yield first
    if first.state != "ok":
        return
    try:
        with Results.read(patient.home) as results:
            head = results.head()
            problems = results.verify() if patient.thorough else []
    except RealignError as problem:
        yield Check(GROUP, "verdicts", "broken", problem.message, problem.hint)
        return
    if problems:
        yield Check(GROUP, "verdicts", "broken", in_short(problems), "`realign-edge results verify` names them all")
    else:
        how = "every row chained to the one before" if patient.thorough else "`doctor --thorough` checks their chain"
        yield Check(GROUP, "verdicts", "ok", f"{head.entries} rows; {how}")
