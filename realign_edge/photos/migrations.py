"""The catalog's schema as numbered steps; a step, once released, is never edited. Other databases bring their own."""

import sqlite3
from collections.abc import Sequence

from realign_edge.errors import MissingError

# "REAL" in ASCII: tells the catalog from other programs' databases.
APPLICATION_ID = 0x5245414C

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE files (
            root TEXT NOT NULL, name TEXT NOT NULL,
            size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
            sha256 TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (root, name)
        ) WITHOUT ROWID""",
        """CREATE TABLE photos (
            root TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,
            width INTEGER NOT NULL, height INTEGER NOT NULL, split TEXT NOT NULL, record TEXT,
            PRIMARY KEY (root, name)
        ) WITHOUT ROWID""",
        "CREATE INDEX photos_by_hash ON photos (sha256)",
        """CREATE TABLE attempts (
            root TEXT NOT NULL, settings TEXT NOT NULL, photo TEXT NOT NULL, reasons TEXT NOT NULL,
            PRIMARY KEY (root, settings, photo)
        ) WITHOUT ROWID""",
        """CREATE TABLE pairs (
            root TEXT NOT NULL, settings TEXT NOT NULL, photo TEXT NOT NULL, position INTEGER NOT NULL,
            pair_id TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL,
            PRIMARY KEY (root, settings, photo, position)
        ) WITHOUT ROWID""",
        """CREATE TABLE reviews (
            pair_id TEXT NOT NULL, verdict TEXT NOT NULL, note TEXT NOT NULL, reviewer TEXT NOT NULL,
            reviewed_at TEXT NOT NULL,
            PRIMARY KEY (pair_id, reviewer)
        ) WITHOUT ROWID""",
    ),
    (
        # Files read under other rules (decoder, pixel limit) are read again.
        "ALTER TABLE files ADD COLUMN rules TEXT NOT NULL DEFAULT ''",
        # What a finished scan concluded; `inputs` decides whether it still holds.
        """CREATE TABLE folders (
            root TEXT NOT NULL PRIMARY KEY, inputs TEXT NOT NULL, problems TEXT NOT NULL,
            split_note TEXT NOT NULL, duplicates INTEGER NOT NULL
        ) WITHOUT ROWID""",
        # The order in which settings were last built with.
        """CREATE TABLE builds (
            root TEXT NOT NULL, settings TEXT NOT NULL, number INTEGER NOT NULL,
            PRIMARY KEY (root, settings)
        ) WITHOUT ROWID""",
        "INSERT INTO builds SELECT DISTINCT root, settings, 0 FROM attempts",
        f"PRAGMA application_id = {APPLICATION_ID}",
    ),
    (
        # What people decide about pairs: rows are added, never changed, so that two people cannot lose each other's
        # work. `takes_back` is the number of the decision that an `undo` takes back.
        """CREATE TABLE review_log (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            pair_id TEXT NOT NULL, photo TEXT NOT NULL, retrieved TEXT NOT NULL, verdict TEXT NOT NULL,
            chosen TEXT NOT NULL, rejected TEXT NOT NULL, note TEXT NOT NULL,
            reviewer TEXT NOT NULL, decided_at TEXT NOT NULL, takes_back INTEGER REFERENCES review_log (number)
        )""",
        """CREATE TRIGGER review_log_is_not_changed BEFORE UPDATE ON review_log
            BEGIN SELECT RAISE(ABORT, 'reviews are only ever added'); END""",
        """CREATE TRIGGER review_log_is_not_cut BEFORE DELETE ON review_log
            BEGIN SELECT RAISE(ABORT, 'reviews are only ever added'); END""",
        # Which pair somebody has on the screen, so that two people do not look at the same one; `since` in seconds.
        """CREATE TABLE review_seats (
            seat TEXT NOT NULL PRIMARY KEY, reviewer TEXT NOT NULL, pair_id TEXT NOT NULL, since REAL NOT NULL
        ) WITHOUT ROWID""",
        # Its place was taken before anything ever wrote to it.
        "DROP TABLE reviews",
    ),
)


Steps = Sequence[Sequence[str]]


def migrate(connection: sqlite3.Connection, where: str, steps: Steps | None = None) -> None:
    """Bring the schema up to date; each step is one transaction, so a power cut leaves a whole version.

    steps: of another database than the catalog.

    Raises:
        MissingError: the file was written by a newer version, or belongs to another program.
    """
    steps = MIGRATIONS if steps is None else steps
    while (version := _version(connection)) < len(steps):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been quicker while this one waited.
            if _version(connection) == version:
                _refuse_foreign(connection, version, where)
                for statement in steps[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    if version > len(steps):
        raise MissingError(
            f"{where} was written by a newer version of realign-edge (schema {version})",
            "update realign-edge, or name another state folder with REALIGN_EDGE_HOME",
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_foreign(connection: sqlite3.Connection, version: int, where: str) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version == 0 and tables:
        raise MissingError(
            f"{where} is a database of another program",
            "move it away, or name another state folder with REALIGN_EDGE_HOME",
        )
