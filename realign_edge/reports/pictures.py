"""Photos for a report: found by their hash, made small, and only as many as are worth their bytes."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from realign_edge.bundle import contract
from realign_edge.photos.decode import Refusal, decode
from realign_edge.photos.regular import read_bytes
from realign_edge.reports.model import Row

# JPEG bytes of a photo by its hash, "" or the id of the bundle whose past photos it may be among; None: not at hand.
Find = Callable[[str, str], bytes | None]
_HASH = re.compile(r"[0-9a-f]{64}")
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MOST_PIXELS = 40_000_000


@dataclass(frozen=True)
class StationPictures:
    """Thumbnails that a station keeps of inspected photos, and those of past photos in its bundles."""

    home: Path

    def __call__(self, sha256: str, bundle_id: str) -> bytes | None:
        """The file's bytes, or None. Hash and id come from a file that may be damaged: neither may lead elsewhere."""
        if not _HASH.fullmatch(sha256):
            return None
        names = (f"{sha256[:2]}/{sha256}.jpg", f"{sha256}.jpg")
        folders = [self.home / "thumbnails"]
        if _SAFE_ID.fullmatch(bundle_id):
            folders.append(self.home / "bundles" / bundle_id / contract.THUMBNAILS)
        for path in (folder / name for folder in folders for name in names):
            if path.is_file():
                try:
                    return read_bytes(path)
                except (Refusal, OSError):
                    continue
        return None


def nothing_at_hand(_sha256: str, _bundle_id: str) -> bytes | None:
    """For a report without photos."""
    return None


def small(data: bytes, edge: int, quality: int = 72) -> bytes | None:
    """A JPEG of at most `edge` pixels a side, without metadata; None where it cannot be decoded."""
    try:
        image = decode(data, _MOST_PIXELS)
    except Refusal:
        return None
    image.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=quality, optimize=True)
    return held.getvalue()


@dataclass
class Album:
    """Small pictures by hash, each made once; `budget` bytes in all, after which nothing is taken any more."""

    find: Find
    edge: int
    budget: int
    made: dict[str, bytes | None] = field(default_factory=dict)
    used: int = 0

    def take(self, sha256: str, bundle_id: str) -> bytes | None:
        """The picture, or None where it is not at hand or there is no room for it."""
        if sha256 not in self.made and self.used < self.budget:
            data = self.find(sha256, bundle_id)
            self.made[sha256] = small(data, self.edge) if data else None
            self.used += len(self.made[sha256] or b"")
        return self.made.get(sha256)


def worth_showing(rows: Sequence[Row], most: int) -> tuple[Row, ...]:
    """Rows to show with their photo: for review, failed, decided by people, then the newest; at most `most`."""
    return tuple(sorted(rows, key=_rank)[:most])


def _rank(row: Row) -> tuple[int, int]:
    order = {"REVIEW": 0, "RETAKE": 1, "FAIL": 1}.get(row.final, 3)
    return (2 if order == 3 and row.dispositions else order, -row.number)


def fill(album: Album, rows: Iterable[Row], neighbours: int) -> None:
    """Take the photos of rows, and of their nearest past photos, into the album."""
    for row in rows:
        found = row.inspection
        album.take(found.sha256, "")
        for neighbour in found.neighbours[:neighbours]:
            album.take(neighbour.sha256, found.bundle_id)
