"""One SQLite connection: how it is opened, what a transaction is, and what its failures mean to a person."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from realign_edge.errors import MissingError, RealignError, no_more_files
from realign_edge.photos.migrations import Steps, migrate

# How long to wait for another process that is writing.
WAIT_S = 30.0
# With less than this, what SQLite keeps beside a file (its log is mapped 32 KiB at a time) may find no room.
_ROOM_BYTES = 256 * 1024
CATALOG = "the catalog"


def connect(
    path: Path,
    wait_s: float = WAIT_S,
    steps: Steps | None = None,
    synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
    what: str = CATALOG,
) -> sqlite3.Connection:
    """Open or create the database at `path`, in WAL, with its schema up to date. The folder must exist.

    `synchronous = NORMAL`: a power cut may lose the last transactions, never the file. What the catalog
    holds can be made again; a station's verdicts cannot, and are kept with FULL. steps: the schema, the catalog's
    if none are given; what: in words.

    Raises:
        RealignError: see `explained`.
        MissingError: the file is of a newer version or of another program.
    """
    with explained(path, what):
        _create(path)
        db = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {synchronous}")
            db.execute("PRAGMA foreign_keys = ON")
            migrate(db, str(path), steps)
        except BaseException:
            db.close()
            raise
    return db


def _create(path: Path) -> None:
    """SQLite lets no group write to a file of its own making, whatever the umask says; its logs get the file's mode."""
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666))


@contextmanager
def transaction(db: sqlite3.Connection, path: Path, what: str = CATALOG) -> Iterator[None]:
    """BEGIN IMMEDIATE ... COMMIT, rolled back on any exception.

    Raises:
        RealignError: see `explained`.
    """
    with explained(path, what):
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            # SQLite has rolled back by itself where the disk is full; the first error is the one to tell.
            if db.in_transaction:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
            raise


@contextmanager
def explained(path: Path, what: str = CATALOG) -> Iterator[None]:
    """Turn what the disk or another process did into an error for people; our own mistakes pass through.

    Raises:
        MissingError: the file is damaged, no database, or may not be used.
        RealignError: it is in use for too long, or the disk is full.
    """
    try:
        yield
    except sqlite3.DatabaseError as problem:
        code = getattr(problem, "sqlite_errorcode", None)
        if code is None or isinstance(problem, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise
        raise _explanation(path, problem, code & 0xFF, what) from problem
    except UnicodeDecodeError as problem:
        # SQLite quotes a damaged schema in its message, which Python then cannot read.
        raise _explanation(path, sqlite3.DatabaseError("it is damaged"), sqlite3.SQLITE_CORRUPT, what) from problem


def _explanation(path: Path, problem: sqlite3.DatabaseError, code: int, what: str) -> RealignError:
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return RealignError(f"{path} is in use by another realign-edge", "wait until it is done, then start again")
    if code == sqlite3.SQLITE_CANTOPEN and no_more_files(path):
        # Its log is a file of its own, which is made when somebody opens it.
        return RealignError(
            f"{path} cannot be written: {problem}: no space left for a further file",
            "delete files that nobody needs (df -i), then start again",
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        why = f"{problem}: no space left" if code == sqlite3.SQLITE_IOERR and _no_room(path) else str(problem)
        return RealignError(f"{path} cannot be written: {why}", "make room on the disk, then start again")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return MissingError(
            f"{path} cannot be used as {what}: {problem}", "check the permissions of its folder and of the file"
        )
    return MissingError(
        f"{path} cannot be used as {what}: {problem}",
        "put a backup back: realign-edge maintain restore latest; or move it away",
    )


def _no_room(path: Path) -> bool:
    """Is it the full disk that SQLite calls an I/O error, as it does where it cannot map its log?"""
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < _ROOM_BYTES
    return False
