"""Walk a photo folder: which files are photos, which are refused and why. The folder is only ever read."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from realign_edge.files import fingerprint, sha256_bytes
from realign_edge.photos.decode import MAX_PIXELS, RULES, Refusal, decode, read_bytes
from realign_edge.photos.regular import stat_regular, stays_inside
from realign_edge.photos.sources.layout import is_mask
from realign_edge.photos.text import is_clean_name, shown
from realign_edge.progress import Progress

EXTENSIONS = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp"))
# Photos by name but not by content: looked at, so that they are refused by name instead of passed over silently.
OTHER_EXTENSIONS = frozenset((".heic", ".heif", ".avif", ".gif", ".jp2", ".jxl", ".dcm"))
# Camera raw files are TIFF inside: decoded as such they would give their thumbnail.
RAW_EXTENSIONS = frozenset((".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"))
_TEXTS = frozenset((".csv", ".jsonl", ".json", ".txt"))
_NEVER: tuple[int, int, int] = (0, 0, 0)
_BATCH = 128


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """One candidate file. `stamp` (size, mtime_ns, inode) and `rules` decide whether it is read again.

    Either `sha256`, `width`, `height` (pixels, upright) are set, or `reason` says why the file was refused.
    """

    name: str
    stamp: tuple[int, int, int]
    sha256: str = ""
    width: int = 0
    height: int = 0
    reason: str = ""
    rules: str = ""


@dataclass
class Listing:
    """What lies below a photo folder, by name: candidates, possible record files, what cannot be looked at."""

    photos: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    refused: list[ScannedFile] = field(default_factory=list)
    linked_folders: list[str] = field(default_factory=list)
    masks: int = 0

    def problems(self) -> list[str]:
        """What was passed over that a person may have meant to be read."""
        found = []
        if self.linked_folders:
            found.append(
                f"{len(self.linked_folders)} linked folders are not followed (first: {self.linked_folders[0]}); "
                "name the folder itself, or copy its photos"
            )
        if self.masks:
            found.append(f"{self.masks} ground-truth masks of the dataset layout are not photos; they are passed over")
        return found


def list_folder(root: Path) -> Listing:
    """List `root` in name order. Hidden files are passed over; links to folders are not followed."""
    found = Listing()

    def closed(problem: OSError) -> None:
        name = shown(Path(problem.filename).relative_to(root).as_posix()) + "/"
        found.refused.append(ScannedFile(name, _NEVER, reason=f"the folder cannot be listed ({problem.strerror})"))

    for folder, folders, files in os.walk(root, followlinks=False, onerror=closed):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        below = Path(folder).relative_to(root)
        found.linked_folders += [shown((below / f).as_posix()) for f in folders if (Path(folder) / f).is_symlink()]
        for file in sorted(files):
            if not file.startswith("."):
                _sort_in((below / file).as_posix(), found)
    for names in (found.photos, found.texts, found.linked_folders):
        names.sort()
    return found


def _sort_in(name: str, found: Listing) -> None:
    kind = PurePosixPath(name).suffix.lower()
    if kind in _TEXTS and is_clean_name(name):
        found.texts.append(name)
    elif kind not in EXTENSIONS | OTHER_EXTENSIONS | RAW_EXTENSIONS:
        return
    elif not is_clean_name(name):
        reason = "the name has characters that are no text; rename the file or its folder"
        found.refused.append(ScannedFile(shown(name), _NEVER, reason=reason))
    elif kind in RAW_EXTENSIONS:
        found.refused.append(ScannedFile(name, _NEVER, reason="a camera raw file; export it as TIFF or JPEG"))
    elif is_mask(name):
        found.masks += 1
    else:
        found.photos.append(name)


def scan(
    root: Path,
    listing: Listing,
    known: Mapping[str, ScannedFile],
    progress: Progress,
    max_pixels: int = MAX_PIXELS,
    remember: Callable[[Sequence[ScannedFile]], None] | None = None,
) -> list[ScannedFile]:
    """Look at every listed photo, in name order; `known` files with the same stamp are not opened.

    What is newly read goes to `remember` in batches, so that an interrupted scan goes on from there.
    """
    rules = fingerprint(RULES, max_pixels)
    progress.start("Reading photos", len(listing.photos))
    found, new = list(listing.refused), list[ScannedFile]()
    for done, name in enumerate(listing.photos, 1):
        file = _look(root, name, known.get(name), max_pixels, rules)
        found.append(file)
        if file is not known.get(name):
            new.append(file)
        if remember is not None and len(new) == _BATCH:
            remember(new)
            new = []
        progress.advance(done)
    if remember is not None and new:
        remember(new)
    refused = sum(bool(f.reason) for f in found)
    progress.finish(f"{len(found) - refused} read, {refused} refused")
    return sorted(found, key=lambda f: f.name)


def _look(root: Path, name: str, known: ScannedFile | None, max_pixels: int, rules: str) -> ScannedFile:
    path, stamp = root / name, _NEVER
    try:
        facts = stat_regular(path)
        stamp = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
        stays_inside(path, root)
        if known is not None and (known.stamp, known.rules) == (stamp, rules):
            return known
        data = read_bytes(path)
        image = decode(data, max_pixels)
    except Refusal as refusal:
        return ScannedFile(name, _NEVER if refusal.passing else stamp, reason=str(refusal), rules=rules)
    return ScannedFile(name, stamp, sha256_bytes(data), image.width, image.height, rules=rules)
