"""Backups of what cannot be made again.

A backup is a folder named after its time: catalog.sqlite, results.sqlite with its head, the keys that are trusted, what
people chose in blind tests and between which answers, the configuration, and manifest.json, written last, with the
SHA-256 of each. The signing key is not in it: whoever has a backup must not be able to sign bundles.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from realign_edge.appliance.doctor.state import damage
from realign_edge.appliance.where import config_file
from realign_edge.bundle.trust import FOLDER as TRUSTED
from realign_edge.errors import MissingError
from realign_edge.evaluation.preference.answers import FILE as ANSWERS
from realign_edge.evaluation.preference.choices import FILE as CHOICES
from realign_edge.files import from_json, sha256_file, sync_folder, write_json
from realign_edge.photos.database import explained
from realign_edge.results.store import FILE as RESULTS
from realign_edge.results.store import Results

CATALOG, MANIFEST, CONFIG, RUNS = "catalog.sqlite", "manifest.json", "realign-edge.toml", "runs"


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup. made_at: UTC, ISO 8601; files: name to SHA-256; rows: of the results."""

    folder: Path
    made_at: str
    files: dict[str, str]
    rows: int


def back_up(home: Path, backups: Path, now: float) -> Backup:
    """Make one, while anything else goes on.

    Raises:
        RealignError: a database is damaged, nothing is there to keep, or the disk is full.
    """
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Before anything is written: a disk that killed backups have filled would never take one again.
    _sweep(backups)
    made_at = _after_all(backups, datetime.fromtimestamp(now, UTC))
    folder = free_name(backups, f"{made_at:%Y%m%dT%H%M%SZ}")
    beside = backups / f".{folder.name}.{os.getpid()}.tmp"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    try:
        rows = _copy_all(home, beside)
        files = {str(p.relative_to(beside)): sha256_file(p) for p in sorted(beside.rglob("*")) if p.is_file()}
        if not {CATALOG, RESULTS} & files.keys():
            raise MissingError("there is nothing yet that a backup could hold", "align or inspect first")
        made = Backup(folder, made_at.isoformat(timespec="seconds"), files, rows)
        write_json(beside / MANIFEST, {"made_at": made.made_at, "rows": rows, "files": files})
        beside.rename(folder)
        sync_folder(backups)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return made


def free_name(parent: Path, name: str) -> Path:
    """A folder that is not there: a clock that went back must not hide one under another."""
    folder, count = parent / name, 1
    while folder.exists():
        count += 1
        folder = parent / f"{name}-{count}"
    return folder


def _copy_all(home: Path, target: Path) -> int:
    rows = 0
    if (home / CATALOG).exists():
        _copy_database(home / CATALOG, target / CATALOG)
    if (home / RESULTS).exists():
        _refuse_damaged(home / RESULTS)
        with Results.read(home) as results:
            rows = results.backup(target / RESULTS).entries
    if (home / TRUSTED).is_dir():
        # Not what a killed process left beside a key.
        shutil.copytree(home / TRUSTED, target / TRUSTED, ignore=shutil.ignore_patterns(".*"))
    for chosen in sorted((home / RUNS).glob(f"*/{CHOICES}")):
        if not chosen.parent.is_symlink():
            _copy_choices(chosen.parent, target / RUNS / chosen.parent.name)
    configured = config_file()
    if configured is not None and configured.is_file():
        shutil.copyfile(configured, target / CONFIG)
    return rows


def _copy_choices(run: Path, target: Path) -> None:
    """A line that is being appended meanwhile may be torn; whoever reads it passes it over."""
    target.mkdir(parents=True)
    for name in (CHOICES, ANSWERS):
        if (run / name).is_file():
            shutil.copyfile(run / name, target / name)


def _copy_database(source: Path, target: Path) -> None:
    """Through SQLite's own interface: whole, also while it is written to; one file without a log."""
    _refuse_damaged(source)
    with (
        explained(source),
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=30.0)) as db,
        explained(target),
        closing(sqlite3.connect(target)) as copy,
    ):
        db.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _refuse_damaged(path: Path) -> None:
    if problem := damage(path):
        raise MissingError(
            f"{path} is damaged, so no backup was made of it: {problem}",
            "put the newest backup in its place: realign-edge maintain restore latest",
        )


def known_backups(backups: Path) -> list[Backup]:
    """Whole backups, oldest first by their own time."""
    found = []
    for manifest in backups.glob(f"[0-9]*/{MANIFEST}"):
        try:
            about = from_json(manifest.read_text(encoding="utf-8"))
            files = {str(name): str(digest) for name, digest in about["files"].items()}
            found.append(Backup(manifest.parent, str(about["made_at"]), files, int(about["rows"])))
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            continue
    return sorted(found, key=lambda b: (b.made_at, b.folder.name))


def prune(backups: Path, keep: int) -> list[Path]:
    """Delete all but the newest `keep`, and what interrupted ones left; the folders that are gone."""
    gone = [b.folder for b in known_backups(backups)[:-keep]]
    for folder in gone:
        # Out of the way in one step: an interrupted removal leaves no half one, and the next round takes it away.
        hidden = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        folder.rename(hidden)
        shutil.rmtree(hidden)
    _sweep(backups)
    return gone


def _after_all(backups: Path, now: datetime) -> datetime:
    """The time, or a second after the newest backup where the clock went back: the one made last is the newest."""
    try:
        newest = [datetime.fromisoformat(b.made_at) for b in known_backups(backups)[-1:]]
        return now if not newest or newest[0] <= now else newest[0] + timedelta(seconds=1)
    except (ValueError, TypeError, OverflowError):
        return now


def _sweep(backups: Path) -> None:
    """Take away what interrupted ones left; the caller holds the lock of the round."""
    for left in backups.glob(".*.tmp"):
        shutil.rmtree(left, ignore_errors=True)
