"""The catalog: photos, records, pairs and reviews in one SQLite file. It is the truth; all else can be rebuilt."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from realign_edge.errors import MissingError
from realign_edge.files import fingerprint
from realign_edge.photos.migrations import migrate
from realign_edge.photos.model import InspectionRecord, Photo, RefusedPhoto
from realign_edge.photos.scan import ScannedFile


class Catalog:
    """An open catalog. Every method is one transaction; a power cut loses at most the last one."""

    def __init__(self, path: Path) -> None:
        """Open or create the catalog at `path`.

        Raises:
            MissingError: the file is not a catalog, is damaged, or is of a newer version.
        """
        self.path = path
        try:
            self.db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = NORMAL")
            migrate(self.db, str(path))
        except sqlite3.DatabaseError as problem:
            raise MissingError(
                f"{path} cannot be used as the catalog: {problem}",
                "restore it from a backup, or move it away",
            ) from problem

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.close()

    # Photos

    def known_files(self, root: Path) -> dict[str, ScannedFile]:
        """What the last scan of `root` saw, by name."""
        rows = self.db.execute(
            "SELECT name, size, mtime_ns, inode, sha256, width, height, reason FROM files WHERE root = ?",
            (str(root),),
        )
        return {r[0]: ScannedFile(r[0], (r[1], r[2], r[3]), r[4], r[5], r[6], r[7]) for r in rows}

    def store_scan(self, root: Path, files: Iterable[ScannedFile], photos: Iterable[Photo]) -> None:
        """Replace what is known of `root` by a finished scan."""
        with _transaction(self.db):
            for table in ("files", "photos"):
                self.db.execute(f"DELETE FROM {table} WHERE root = ?", (str(root),))
            self.db.executemany(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(str(root), f.name, *f.stamp, f.sha256, f.width, f.height, f.reason) for f in files],
            )
            self.db.executemany(
                "INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(str(root), p.name, p.sha256, p.width, p.height, p.split, _record_text(p.record)) for p in photos],
            )

    def photos(self, root: Path) -> tuple[Photo, ...]:
        """Photos of one folder, by name."""
        rows = self.db.execute(
            "SELECT name, sha256, width, height, split, record FROM photos WHERE root = ? ORDER BY name",
            (str(root),),
        )
        return tuple(_photo(root, row) for row in rows)

    def refused(self, root: Path) -> tuple[RefusedPhoto, ...]:
        """Files of one folder that were refused, by name."""
        rows = self.db.execute(
            "SELECT name, reason FROM files WHERE root = ? AND reason != '' ORDER BY name", (str(root),)
        )
        return tuple(RefusedPhoto(name, reason) for name, reason in rows)

    def roots(self) -> tuple[Path, ...]:
        """Every photo folder the catalog knows."""
        return tuple(Path(r[0]) for r in self.db.execute("SELECT DISTINCT root FROM photos ORDER BY root"))

    # Preference pairs

    def attempted(self, root: Path, settings: str) -> dict[str, dict[str, int]]:
        """Photos whose pairs are built under these settings, with what was turned down and why."""
        rows = self.db.execute(
            "SELECT photo, reasons FROM attempts WHERE root = ? AND settings = ?", (str(root), settings)
        )
        return {photo: json.loads(reasons) for photo, reasons in rows}

    def store_attempts(
        self,
        root: Path,
        settings: str,
        attempts: Iterable[tuple[str, dict[str, int], Sequence[dict[str, Any]]]],
    ) -> None:
        """Store photos' pairs together with the fact that they were tried: all of them, or none."""
        with _transaction(self.db):
            for photo, reasons, pairs in attempts:
                self.db.execute(
                    "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)",
                    (str(root), settings, photo, json.dumps(reasons, sort_keys=True)),
                )
                self.db.execute(
                    "DELETE FROM pairs WHERE root = ? AND settings = ? AND photo = ?",
                    (str(root), settings, photo),
                )
                self.db.executemany(
                    "INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            str(root),
                            settings,
                            photo,
                            i,
                            p["pair_id"],
                            p["kind"],
                            json.dumps(p, ensure_ascii=False),
                        )
                        for i, p in enumerate(pairs)
                    ],
                )

    def pairs(self, root: Path, settings: str) -> list[dict[str, Any]]:
        """Pairs in the order of photo and position, as plain values."""
        rows = self.db.execute(
            "SELECT payload FROM pairs WHERE root = ? AND settings = ? ORDER BY photo, position",
            (str(root), settings),
        )
        return [json.loads(row[0]) for row in rows]

    def pair_settings(self, root: Path) -> tuple[str, ...]:
        """Fingerprints of settings under which pairs exist for this folder."""
        rows = self.db.execute("SELECT DISTINCT settings FROM pairs WHERE root = ? ORDER BY settings", (str(root),))
        return tuple(r[0] for r in rows)


def content_fingerprint(photos: Iterable[Photo]) -> str:
    """Changes when any photo, record or split changes."""
    return fingerprint([(p.sha256, p.name, p.split, _record_text(p.record)) for p in photos])


class _transaction:  # noqa: N801 - used as a statement
    """BEGIN IMMEDIATE ... COMMIT, rolled back on any exception."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.execute("ROLLBACK" if kind else "COMMIT")


def _record_text(record: InspectionRecord | None) -> str | None:
    if record is None:
        return None
    values = {name: getattr(record, name) for name in record.__slots__}
    return json.dumps({**values, "attributes": dict(record.attributes)}, ensure_ascii=False, sort_keys=True)


def _photo(root: Path, row: Sequence[Any]) -> Photo:
    name, sha256, width, height, split, text = row
    record = None
    if text is not None:
        values = json.loads(text)
        for key in ("defects", "locations"):
            values[key] = tuple(values[key])
        record = InspectionRecord(**{**values, "attributes": MappingProxyType(values["attributes"])})
    return Photo(sha256, root / name, name, width, height, split, record)
