"""The one call that the rest of the project makes: a photo folder, read, split and remembered."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from realign_edge import __version__
from realign_edge.errors import MissingError
from realign_edge.files import fingerprint
from realign_edge.photos.catalog import Catalog, FolderState
from realign_edge.photos.decode import MAX_PIXELS
from realign_edge.photos.model import InspectionRecord, Photo, RefusedPhoto, Split
from realign_edge.photos.records import RecordSet, read_records, sources_of
from realign_edge.photos.scan import Listing, ScannedFile, list_folder, scan
from realign_edge.photos.split import assign_splits
from realign_edge.photos.text import is_clean_name, shown
from realign_edge.progress import Progress

# Raise it when records or splits are read differently from the same files.
RULES = 3
# Pillow refuses more by itself, whatever is asked for.
MOST_PIXELS = 178_000_000
_MOST_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class PhotoSettings:
    """held_out_share: share of photos kept for evaluation, in (0, 0.5]; seed: which ones; max_pixels: per photo."""

    held_out_share: float = 0.3
    seed: int = 0
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if not 0 < self.held_out_share <= 0.5:
            raise ValueError("held_out_share must be above 0 and at most 0.5")
        if not 0 <= self.seed < 2**32:
            raise ValueError("seed must be at least 0 and below 2^32")
        if not 64 <= self.max_pixels <= MOST_PIXELS:
            raise ValueError(f"max_pixels must be at least 64 and at most {MOST_PIXELS}")


@dataclass(frozen=True)
class Collection:
    """A photo folder as it stands: what was read, what was refused, what is odd about the records.

    `duplicates` counts files with the bytes of an earlier one; `rescanned` is False where nothing had
    changed since the last time.
    """

    root: Path
    photos: tuple[Photo, ...]
    refused: tuple[RefusedPhoto, ...]
    duplicates: int
    problems: tuple[str, ...]
    split_note: str
    rescanned: bool = True

    def of(self, split: str) -> tuple[Photo, ...]:
        """Photos of one split, by name."""
        return tuple(p for p in self.photos if p.split == split)


@dataclass
class _Same:
    """A photo under all its names: the first in name order is its name."""

    file: ScannedFile
    names: list[str] = field(default_factory=list)


def open_collection(catalog: Catalog, folder: Path, settings: PhotoSettings, progress: Progress) -> Collection:
    """Scan `folder`, read its records, split it, and store all of it in the catalog.

    Where neither photos nor record files changed since the last time, only their metadata is read.

    Raises:
        MissingError: the folder is not there, cannot be listed, or holds no photo that can be read.
    """
    root = _root(folder)
    listing = list_folder(root)
    files = scan(
        root, listing, catalog.known_files(root), progress, settings.max_pixels, partial(catalog.remember_files, root)
    )
    refused = tuple(RefusedPhoto(f.name, f.reason) for f in files if f.reason)
    same = _by_content(files)
    if not same:
        raise _nothing_readable(root, refused)
    inputs = _inputs(root, files, listing, settings)
    state = catalog.folder_state(root)
    rescanned = state is None or state.inputs != inputs
    if state is None or rescanned:
        state, photos = _read(root, same, listing, refused, settings, inputs)
        catalog.store_scan(root, files, photos, state)
    _warn(state.problems, progress)
    photos = catalog.photos(root)
    return Collection(root, photos, refused, state.duplicates, state.problems, state.split_note, rescanned)


def _root(folder: Path) -> Path:
    try:
        root = folder.expanduser().resolve()
        there = root.is_dir()
    except (OSError, RuntimeError, ValueError):
        there = False
    if not there:
        raise MissingError(
            f"no photo folder at {folder}", "name a folder that holds JPEG, PNG, WebP, TIFF or BMP photos"
        )
    if not is_clean_name(str(root)):
        raise MissingError(
            f"the name of the photo folder has characters that are no text: {shown(str(root))}", "rename the folder"
        )
    return root


def _by_content(files: Sequence[ScannedFile]) -> list[_Same]:
    found: dict[str, _Same] = {}
    for file in files:
        if not file.reason:
            found.setdefault(file.sha256, _Same(file)).names.append(file.name)
    return list(found.values())


def _inputs(root: Path, files: Sequence[ScannedFile], listing: Listing, settings: PhotoSettings) -> str:
    """Changes when anything that decides photos, records or splits changes; record files count by their metadata."""
    stamps = []
    for name in sources_of([f.name for f in files if not f.reason], listing.texts):
        try:
            facts = (root / name).stat()
            stamps.append((name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino))
        except OSError as problem:
            stamps.append((name, problem.errno or 0, 0, 0, 0))
    seen = [(f.name, f.sha256, f.reason) for f in files]
    return fingerprint(RULES, __version__, asdict(settings), seen, stamps, listing.problems())


def _read(
    root: Path,
    same: Sequence[_Same],
    listing: Listing,
    refused: Sequence[RefusedPhoto],
    settings: PhotoSettings,
    inputs: str,
) -> tuple[FolderState, tuple[Photo, ...]]:
    names = sorted(name for s in same for name in s.names)
    found = read_records(root, names, listing.texts, [r.name for r in refused])
    records = {s.file.name: _first(s, found) for s in same}
    asked = {s.file.name: split for s in same if (split := _first_split(s, found)) is not None}
    splits, how = assign_splits(records, asked, settings.held_out_share, settings.seed)
    photos = tuple(
        Photo(f.sha256, root / f.name, f.name, f.width, f.height, splits[f.name], records[f.name])
        for f in (s.file for s in same)
    )
    problems = (*listing.problems(), *found.problems)
    return FolderState(inputs, problems, how, len(names) - len(same)), photos


def _first(same: _Same, found: RecordSet) -> InspectionRecord | None:
    """The record under the photo's first name that has one: a record may name a copy."""
    return next((found.records[n] for n in same.names if n in found.records), None)


def _first_split(same: _Same, found: RecordSet) -> Split | None:
    return next((found.splits[n] for n in same.names if n in found.splits), None)


def _warn(problems: Sequence[str], progress: Progress) -> None:
    for problem in problems[:_MOST_WARNINGS]:
        progress.warn(problem)
    if len(problems) > _MOST_WARNINGS:
        progress.warn(f"... and {len(problems) - _MOST_WARNINGS} more about the records")


def _nothing_readable(root: Path, refused: Sequence[RefusedPhoto]) -> MissingError:
    if not refused:
        return MissingError(
            f"no photos in {root}", "it should hold JPEG, PNG, WebP, TIFF or BMP files, in any subfolders"
        )
    shown_first = "; ".join(f"{r.name}: {r.reason}" for r in refused[:3])
    return MissingError(
        f"none of the {len(refused)} photos in {root} can be read ({shown_first})",
        "check that the files are photos, and that you may read them",
    )
