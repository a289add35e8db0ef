"""The catalog: photos, records and pairs in one SQLite file. It is the truth; all else can be rebuilt.

What people decide about pairs lies in the same file (preferences/review/store.py).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from realign_edge.files import from_json
from realign_edge.photos.database import connect, explained, transaction
from realign_edge.photos.model import Photo, RefusedPhoto
from realign_edge.photos.rows import content_fingerprint, photo_from, photo_row
from realign_edge.photos.scan import ScannedFile

__all__ = ["Catalog", "FolderState", "content_fingerprint"]

_PHOTO = "SELECT root, name, sha256, width, height, split, record FROM photos"


@dataclass(frozen=True, slots=True)
class FolderState:
    """What a finished scan concluded about a folder; it holds while `inputs` is the same."""

    inputs: str
    problems: tuple[str, ...]
    split_note: str
    duplicates: int


class Catalog:
    """An open catalog. Every method is one transaction; a power cut loses at most the last ones."""

    def __init__(self, path: Path) -> None:
        """Open or create the catalog at `path`.

        Raises:
            MissingError: the file is not a catalog, is damaged, or is of a newer version.
            RealignError: another process holds it, or the disk is full; any method may raise this.
        """
        self.path = path
        self.db = connect(path)

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.close()

    # Photos

    def known_files(self, root: Path) -> dict[str, ScannedFile]:
        """What scans of `root` saw so far, by name."""
        rows = self._rows(
            "SELECT name, size, mtime_ns, inode, sha256, width, height, reason, rules FROM files WHERE root = ?", root
        )
        return {r[0]: ScannedFile(r[0], (r[1], r[2], r[3]), *r[4:]) for r in rows}

    def remember_files(self, root: Path, files: Iterable[ScannedFile]) -> None:
        """Keep what a scan has read so far, so that an interrupted one goes on from there."""
        with transaction(self.db, self.path):
            self._put_files(root, files)

    def store_scan(
        self, root: Path, files: Iterable[ScannedFile], photos: Iterable[Photo], state: FolderState | None = None
    ) -> None:
        """Replace what is known of `root` by a finished scan."""
        with transaction(self.db, self.path):
            for table in ("files", "photos", "folders"):
                self.db.execute(f"DELETE FROM {table} WHERE root = ?", (str(root),))
            self._put_files(root, files)
            self.db.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?, ?)", [photo_row(root, p) for p in photos])
            if state is not None:
                problems = json.dumps(state.problems, ensure_ascii=False)
                row = (str(root), state.inputs, problems, state.split_note, state.duplicates)
                self.db.execute("INSERT INTO folders VALUES (?, ?, ?, ?, ?)", row)

    def folder_state(self, root: Path) -> FolderState | None:
        """What the last finished scan of `root` concluded."""
        rows = self._rows("SELECT inputs, problems, split_note, duplicates FROM folders WHERE root = ?", root)
        return next((FolderState(r[0], tuple(from_json(r[1])), r[2], r[3]) for r in rows), None)

    def photos(self, root: Path) -> tuple[Photo, ...]:
        """Photos of one folder, by name."""
        return tuple(map(photo_from, self._rows(f"{_PHOTO} WHERE root = ? ORDER BY name", root)))

    def photo(self, sha256: str) -> Photo | None:
        """The photo of this identity, from the first folder that has it."""
        found = self._rows(f"{_PHOTO} WHERE sha256 = ? ORDER BY root, name LIMIT 1", sha256)
        return photo_from(found[0]) if found else None

    def refused(self, root: Path) -> tuple[RefusedPhoto, ...]:
        """Files of one folder that were refused, by name."""
        rows = self._rows("SELECT name, reason FROM files WHERE root = ? AND reason != '' ORDER BY name", root)
        return tuple(RefusedPhoto(name, reason) for name, reason in rows)

    def roots(self) -> tuple[Path, ...]:
        """Every photo folder the catalog knows."""
        return tuple(Path(r[0]) for r in self._rows("SELECT DISTINCT root FROM photos ORDER BY root"))

    # Preference pairs

    def attempted(self, root: Path, settings: str) -> dict[str, dict[str, int]]:
        """Photos whose pairs are built under these settings, with what was turned down and why."""
        rows = self._rows("SELECT photo, reasons FROM attempts WHERE root = ? AND settings = ?", root, settings)
        return {photo: from_json(reasons) for photo, reasons in rows}

    def store_attempts(
        self,
        root: Path,
        settings: str,
        attempts: Iterable[tuple[str, dict[str, int], Sequence[dict[str, Any]]]],
    ) -> None:
        """Store photos' pairs together with the fact that they were tried: all of them, or none.

        A photo tried before under the same settings is replaced.
        """
        with transaction(self.db, self.path):
            newest = "SELECT ifnull(max(number), 0) + 1 FROM builds WHERE root = ?1 AND settings != ?2"
            self.db.execute(f"INSERT OR REPLACE INTO builds VALUES (?1, ?2, ({newest}))", (str(root), settings))
            for photo, reasons, pairs in attempts:
                key = (str(root), settings, photo)
                text = json.dumps(reasons, sort_keys=True)
                self.db.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", (*key, text))
                self.db.execute("DELETE FROM pairs WHERE root = ? AND settings = ? AND photo = ?", key)
                self.db.executemany(
                    "INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        (*key, i, p["pair_id"], p["kind"], json.dumps(p, ensure_ascii=False))
                        for i, p in enumerate(pairs)
                    ],
                )

    def pairs(self, root: Path, settings: str) -> list[dict[str, Any]]:
        """Pairs in the order of photo and position, as plain values."""
        rows = self._rows(
            "SELECT payload FROM pairs WHERE root = ? AND settings = ? ORDER BY photo, position", root, settings
        )
        return [from_json(row[0]) for row in rows]

    def pair_settings(self, root: Path) -> tuple[str, ...]:
        """Fingerprints of settings under which pairs exist for this folder, the one last built with at the end."""
        exists = "EXISTS (SELECT 1 FROM pairs WHERE pairs.root = builds.root AND pairs.settings = builds.settings)"
        rows = self._rows(f"SELECT settings FROM builds WHERE root = ? AND {exists} ORDER BY number, settings", root)
        return tuple(r[0] for r in rows)

    def _rows(self, query: str, *values: Path | str) -> list[tuple[Any, ...]]:
        with explained(self.path):
            return self.db.execute(query, [str(v) for v in values]).fetchall()

    def _put_files(self, root: Path, files: Iterable[ScannedFile]) -> None:
        self.db.executemany(
            "INSERT OR REPLACE INTO files (root, name, size, mtime_ns, inode, sha256, width, height, reason, rules) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(str(root), f.name, *f.stamp, f.sha256, f.width, f.height, f.reason, f.rules) for f in files],
        )
