"""The one call that the rest of the project makes: a photo folder, read, split and remembered."""

from dataclasses import dataclass
from pathlib import Path

from realign_edge.errors import MissingError
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.decode import MAX_PIXELS
from realign_edge.photos.model import Photo, RefusedPhoto
from realign_edge.photos.records import RecordSet, read_records
from realign_edge.photos.scan import ScannedFile, scan
from realign_edge.photos.split import assign_splits
from realign_edge.progress import Progress


@dataclass(frozen=True, slots=True)
class PhotoSettings:
    """held_out_share: share of photos kept for evaluation, in (0, 0.5]; seed: which ones; max_pixels: per photo."""

    held_out_share: float = 0.3
    seed: int = 0
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if not 0 < self.held_out_share <= 0.5:
            raise ValueError("held_out_share must be above 0 and at most 0.5")
        if self.max_pixels < 64:
            raise ValueError("max_pixels must be at least 64")


@dataclass(frozen=True)
class Collection:
    """A photo folder as it stands: what was read, what was refused, what is odd about the records."""

    root: Path
    photos: tuple[Photo, ...]
    refused: tuple[RefusedPhoto, ...]
    duplicates: int
    problems: tuple[str, ...]
    split_note: str

    def of(self, split: str) -> tuple[Photo, ...]:
        """Photos of one split, by name."""
        return tuple(p for p in self.photos if p.split == split)


def open_collection(catalog: Catalog, folder: Path, settings: PhotoSettings, progress: Progress) -> Collection:
    """Scan `folder`, read its records, split it, and store all of it in the catalog.

    Raises:
        MissingError: the folder is not there, or holds no photo that can be read.
    """
    root = folder.expanduser().resolve()
    if not root.is_dir():
        raise MissingError(
            f"no photo folder at {folder}", "name a folder that holds JPEG, PNG, WebP, TIFF or BMP photos"
        )
    files = scan(root, catalog.known_files(root), progress, settings.max_pixels)
    refused = tuple(RefusedPhoto(f.name, f.reason) for f in files if f.reason)
    readable, seen = [], set()
    for file in files:
        if not file.reason and file.sha256 not in seen:
            seen.add(file.sha256)
            readable.append(file)
    if not readable:
        raise _nothing_readable(root, refused)
    records = read_records(root, [f.name for f in readable])
    photos, how = _photos(root, readable, records, settings)
    catalog.store_scan(root, files, photos)
    duplicates = len(files) - len(refused) - len(readable)
    for problem in records.problems[:20]:
        progress.warn(problem)
    return Collection(root, photos, refused, duplicates, tuple(records.problems), how)


def _photos(
    root: Path, files: list[ScannedFile], found: RecordSet, settings: PhotoSettings
) -> tuple[tuple[Photo, ...], str]:
    records = {f.name: found.records.get(f.name) for f in files}
    splits, how = assign_splits(records, found.splits, settings.held_out_share, settings.seed)
    photos = tuple(
        Photo(f.sha256, root / f.name, f.name, f.width, f.height, splits[f.name], records[f.name]) for f in files
    )
    return photos, how


def _nothing_readable(root: Path, refused: tuple[RefusedPhoto, ...]) -> MissingError:
    if not refused:
        return MissingError(
            f"no photos in {root}", "it should hold JPEG, PNG, WebP, TIFF or BMP files, in any subfolders"
        )
    shown = "; ".join(f"{r.name}: {r.reason}" for r in refused[:3])
    return MissingError(
        f"none of the {len(refused)} photos in {root} can be read ({shown})",
        "check that the files are photos",
    )
