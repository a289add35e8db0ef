"""The way back: a backup in the place of what is here, which is kept beside."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from realign_edge.appliance.doctor.state import damage
from realign_edge.appliance.upkeep.backup import CATALOG, CONFIG, MANIFEST, RUNS, Backup, free_name
from realign_edge.bundle.trust import FOLDER as TRUSTED
from realign_edge.errors import MissingError, RealignError, UsageError
from realign_edge.evaluation.preference.answers import FILE as ANSWERS
from realign_edge.evaluation.preference.choices import FILE as CHOICES
from realign_edge.files import sha256_file, sync_folder
from realign_edge.photos.catalog import Catalog
from realign_edge.results.head import head_path
from realign_edge.results.store import FILE as RESULTS
from realign_edge.results.store import Results
from realign_edge.runs.leftovers import sweep_leftovers
from realign_edge.runs.lock import work_lock

_BUSY = "stop it first: `realign-edge runs stop`, or systemctl stop realign-edge-inspect"


def restore(home: Path, backup: Backup, now: float) -> Path:
    """Put a backup in the place of what is here; the folder that what was here now lies in.

    All of it is copied beside first, so that a full disk changes nothing. A stop at any point leaves each file either
    here or there, and the same command again puts the backup in place. The head of the results goes last and comes
    first: without the rows that it speaks of, nothing new can be written.

    Raises:
        RealignError: the backup is not whole, or something works with these files.
    """
    _check(backup)
    (home / "watch").mkdir(exist_ok=True)
    with ExitStack() as locks:
        for lock in (home / "work.lock", home / "watch" / "lock"):
            locks.enter_context(work_lock(lock, "putting a backup back", _BUSY))
        sweep_leftovers(home)
        staged = home / f".restore.{os.getpid()}.tmp"
        try:
            _stage(home, backup, staged)
            return _exchange(home, staged, now)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def _stage(home: Path, backup: Backup, staged: Path) -> None:
    """Everything that is to lie in the home, safe on its disk."""
    staged.mkdir(mode=0o700)
    for name in backup.files:
        # The configuration is the administrator's, who may have corrected it since; and a run that is still here has at
        # least the choices that it had then.
        if name != CONFIG and not (name.startswith(f"{RUNS}/") and (home / name).exists()):
            _copy(backup.folder / name, staged / name, backup.files[name])
    # A key that was revoked since the backup stays revoked.
    for revoked in sorted((home / TRUSTED).glob("*.revoked")):
        _copy(revoked, staged / TRUSTED / revoked.name, sha256_file(revoked))


def _exchange(home: Path, staged: Path, now: float) -> Path:
    """Only renames; where what was here now lies."""
    aside = free_name(home, f"before-restore-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}")
    aside.mkdir(mode=0o700)
    for path in _in_place(home):
        path.rename(aside / path.name)
    head = head_path(staged / RESULTS).name
    for path in sorted(staged.iterdir(), key=lambda p: (p.name != head, p.name)):
        _move_in(path, home / path.name)
    sync_folder(home)
    return aside


def _move_in(path: Path, target: Path) -> None:
    """A folder that is there takes in what it lacks."""
    if path.is_dir() and target.is_dir():
        for inner in path.iterdir():
            _move_in(inner, target / inner.name)
        sync_folder(target)
    else:
        path.rename(target)


def _check(backup: Backup) -> None:
    for name, digest in backup.files.items():
        path = backup.folder / name
        if not _belongs(name):
            raise UsageError(f"{backup.folder / MANIFEST} names what no backup holds: {name}", "take another one")
        linked = any((backup.folder / p).is_symlink() for p in (Path(name), *Path(name).parents))
        if linked or not path.is_file() or sha256_file(path) != digest:
            raise MissingError(f"{path} is not as it was backed up", "take another one: realign-edge maintain backups")
    for name in (CATALOG, RESULTS):
        if name in backup.files and (problem := damage(backup.folder / name, thorough=True)):
            raise MissingError(f"{backup.folder / name} is damaged: {problem}", "take another backup")
    _check_schemas(backup)
    if RESULTS in backup.files:
        with Results.read(backup.folder / RESULTS) as results:
            problems = results.verify()
        if problems:
            raise RealignError(f"the verdicts of {backup.folder} were changed: {problems[0].what}", "take another one")


def _belongs(name: str) -> bool:
    """A backup from outside must not lay anything else into the state folder, such as a signing key or a bundle."""
    if name in (CATALOG, RESULTS, head_path(Path(RESULTS)).name, CONFIG):
        return True
    parts = name.split("/")
    if any(part in ("", ".", "..") or not part.isprintable() for part in parts):
        return False
    if len(parts) == 2 and parts[0] == TRUSTED:
        return parts[1].endswith((".pub", ".revoked"))
    return len(parts) == 3 and parts[0] == RUNS and parts[2] in (CHOICES, ANSWERS)


def _check_schemas(backup: Backup) -> None:
    """A trigger of somebody else's would do its work with the next verdict; a trigger of ours that is missing no longer
    keeps a row from being changed; a table that is virtual is a program of its own."""
    with TemporaryDirectory() as folder:
        own = Path(folder)
        with Catalog(own / CATALOG), Results.open(own):
            pass
        for name in {CATALOG, RESULTS} & backup.files.keys():
            found, ours = _programs(backup.folder / name), _programs(own / name)
            if strange := sorted(found - ours):
                raise RealignError(
                    f"{backup.folder / name} holds a program that is none of ours: {strange[0][0]}", "take another one"
                )
            # One of an older version lacks what later versions brought, and gets it when it is opened.
            same = _version(backup.folder / name) == _version(own / name)
            if same and (lost := sorted(ours - found)):
                raise RealignError(
                    f"{backup.folder / name} lacks what keeps its rows from being changed: {lost[0][0]}",
                    "take another one",
                )


def _programs(database: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        rows = db.execute(
            "SELECT name, ifnull(sql, '') FROM sqlite_master"
            " WHERE type IN ('trigger', 'view') OR sql LIKE 'CREATE VIRTUAL%'"
        )
        return {(str(name), str(sql)) for name, sql in rows}


def _version(database: Path) -> int:
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def _in_place(home: Path) -> Iterator[Path]:
    """What a backup replaces, with SQLite's own files beside it: the log of another database must not stay."""
    for base in (home / CATALOG, home / RESULTS):
        yield from [p for p in (base, Path(f"{base}-wal"), Path(f"{base}-shm")) if p.exists()]
    yield from [p for p in (home / TRUSTED, head_path(home / RESULTS)) if p.exists()]


def _copy(source: Path, target: Path, digest: str) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
        with target.open("rb") as file:
            os.fsync(file.fileno())
    except OSError as problem:
        # The system names the source; it is the target's disk that is full.
        problem.filename, problem.filename2 = str(target), None
        raise
    if sha256_file(target) != digest:
        raise MissingError(f"{source} changed while it was put back", "copy the backup to this disk and start again")
