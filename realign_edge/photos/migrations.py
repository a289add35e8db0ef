"""The catalog's schema as numbered steps; a step, once released, is never edited."""

import sqlite3

from realign_edge.errors import MissingError

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE files (
        root TEXT NOT NULL, name TEXT NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
        sha256 TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (root, name)
    ) WITHOUT ROWID;
    CREATE TABLE photos (
        root TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,
        width INTEGER NOT NULL, height INTEGER NOT NULL, split TEXT NOT NULL, record TEXT,
        PRIMARY KEY (root, name)
    ) WITHOUT ROWID;
    CREATE INDEX photos_by_hash ON photos (sha256);
    CREATE TABLE attempts (
        root TEXT NOT NULL, settings TEXT NOT NULL, photo TEXT NOT NULL, reasons TEXT NOT NULL,
        PRIMARY KEY (root, settings, photo)
    ) WITHOUT ROWID;
    CREATE TABLE pairs (
        root TEXT NOT NULL, settings TEXT NOT NULL, photo TEXT NOT NULL, position INTEGER NOT NULL,
        pair_id TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL,
        PRIMARY KEY (root, settings, photo, position)
    ) WITHOUT ROWID;
    CREATE TABLE reviews (
        pair_id TEXT NOT NULL, verdict TEXT NOT NULL, note TEXT NOT NULL, reviewer TEXT NOT NULL,
        reviewed_at TEXT NOT NULL,
        PRIMARY KEY (pair_id, reviewer)
    ) WITHOUT ROWID;
    """,
)


def migrate(connection: sqlite3.Connection, where: str) -> None:
    """Bring the schema up to date; each step is one transaction, so a power cut leaves a whole version.

    Raises:
        MissingError: the file was written by a newer version.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise MissingError(
            f"{where} was written by a newer version of realign-edge (schema {version})",
            "update realign-edge, or name another state folder with REALIGN_EDGE_HOME",
        )
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;")
