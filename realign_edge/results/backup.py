"""A copy of the results through SQLite's own interface: whole, also while a station writes. Never copy the file."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from realign_edge.errors import UsageError
from realign_edge.files import sync_folder
from realign_edge.photos.database import explained
from realign_edge.results.head import Head, raise_head

_WHAT = "a backup of the results"


def back_up(source: sqlite3.Connection, path: Path, target: Path) -> Head:
    """Write `target` with its head beside it, both whole or not at all; the head of the copy.

    The copy is one file without a write-ahead log, so that it can be read from a stick or a disc.

    Raises:
        UsageError: the target is there already, or its folder is not.
        RealignError: the disk is full.
    """
    if target.exists():
        raise UsageError(f"{target} is there already", "name a file that is not there; a backup is never overwritten")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} is not there", "make the folder first")
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with explained(beside, _WHAT), closing(sqlite3.connect(beside, isolation_level=None)) as copy:
            with explained(path, "the results of a station"):
                source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            row = copy.execute("SELECT number, hash FROM entries ORDER BY number DESC LIMIT 1").fetchone()
        head = Head(*row) if row else Head(0, "")
        _sync(beside)
        raise_head(target, lambda: head)
        beside.replace(target)
        sync_folder(target.parent)
    finally:
        for file in (beside, Path(f"{beside}-journal"), Path(f"{beside}-wal"), target.with_suffix(".lock")):
            file.unlink(missing_ok=True)
    return head


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
