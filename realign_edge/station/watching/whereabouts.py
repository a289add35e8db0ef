"""Where the photo of a row lies now: its own file where that is still the same, else the thumbnail that was kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realign_edge.bundle.contract import THUMBNAILS
from realign_edge.files import sha256_file
from realign_edge.results.thumbnails import thumbnail_path

# Larger files are not hashed to be shown: they are no photos of a shop floor.
_MOST_BYTES = 200 * 2**20
_HASH = re.compile(r"[0-9a-f]{64}")
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# Where watched folders put what was inspected.
_DONE = "done"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """kind: the photo itself, its thumbnail, or nothing (path is None)."""

    kind: Literal["photo", "thumbnail", "nothing"]
    path: Path | None


def photo_of(home: Path, sha256: str, name: str, folders: Sequence[Path] = ()) -> Whereabouts:
    """Look below `folders`; a file of that name with other bytes is another photo. Reads the file once."""
    for folder in folders:
        for place in (folder, folder / _DONE):
            path = place / name
            if _is_below(path, folder) and _is_photo(path, sha256):
                return Whereabouts("photo", path)
    if _HASH.fullmatch(sha256) and (kept := thumbnail_path(home, sha256)).is_file():
        return Whereabouts("thumbnail", kept)
    return Whereabouts("nothing", None)


def past_thumbnail(home: Path, bundle_id: str, sha256: str) -> Path | None:
    """Of a past photo, in the bundle that named it or, where that is gone, in any; None where there is none."""
    if not _HASH.fullmatch(sha256):
        return None
    bundles = home / "bundles"
    named = [bundles / bundle_id] if _SAFE_ID.fullmatch(bundle_id) else []
    for bundle in (*named, *sorted(bundles.glob("*/"))):
        if (path := bundle / THUMBNAILS / f"{sha256}.jpg").is_file():
            return path
    return None


def _is_below(path: Path, folder: Path) -> bool:
    """A name from a results file must not lead out of the folder."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def _is_photo(path: Path, sha256: str) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= _MOST_BYTES and sha256_file(path) == sha256
    except (OSError, ValueError):
        return False
