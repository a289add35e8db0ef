"""Walk a photo folder: which files are photos, which are refused and why. The folder is only ever read."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from realign_edge.files import sha256_bytes
from realign_edge.photos.decode import MAX_PIXELS, Refusal, decode, read_bytes
from realign_edge.progress import Progress

EXTENSIONS = frozenset((".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp"))


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """One candidate file. `stamp` (size, mtime_ns, inode) decides whether it is read again.

    Either `sha256`, `width`, `height` are set, or `reason` says why the file was refused.
    """

    name: str
    stamp: tuple[int, int, int]
    sha256: str = ""
    width: int = 0
    height: int = 0
    reason: str = ""


def scan(
    root: Path, known: Mapping[str, ScannedFile], progress: Progress, max_pixels: int = MAX_PIXELS
) -> list[ScannedFile]:
    """Look at every candidate below `root`, in name order; unchanged `known` files are not opened."""
    names = sorted(candidates(root))
    progress.start("Reading photos", len(names))
    found = []
    for done, name in enumerate(names, 1):
        found.append(_look(root, name, known.get(name), max_pixels))
        progress.advance(done)
    refused = sum(bool(f.reason) for f in found)
    progress.finish(f"{len(found) - refused} read, {refused} refused")
    return found


def candidates(root: Path) -> Iterator[str]:
    """Names below `root` that look like photos. Hidden files are passed over; links to folders are not followed."""
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in files:
            if not file.startswith(".") and Path(file).suffix.lower() in EXTENSIONS:
                yield (Path(folder) / file).relative_to(root).as_posix()


def _look(root: Path, name: str, known: ScannedFile | None, max_pixels: int) -> ScannedFile:
    path = root / name
    try:
        facts = path.stat()
    except OSError as problem:
        return ScannedFile(name, (0, 0, 0), reason=f"cannot be opened ({problem.strerror})")
    stamp = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
    if known is not None and known.stamp == stamp:
        return known
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            raise Refusal("a link to a file outside the photo folder")
        data = read_bytes(path)
        image = decode(data, max_pixels)
    except Refusal as refusal:
        return ScannedFile(name, stamp, reason=str(refusal))
    return ScannedFile(name, stamp, sha256_bytes(data), image.width, image.height)
