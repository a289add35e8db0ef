"""What people said against the station, as records for the next `align`: the loop closes here."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from realign_edge.errors import UsageError
from realign_edge.files import copy_atomic, make_folder, sha256_file, write_atomic
from realign_edge.photos.text import folded
from realign_edge.results.model import Disposition, Entry, Inspection

# `defects` and `location` come last: a row without them says "not known", an empty cell "inspected, none found".
COLUMNS = ("photo", "note", "part", "lot", "serial", "station", "inspector", "taken_at", "defects", "location")


@dataclass(frozen=True, slots=True)
class Decided:
    """An inspection and what stands against it: the last that a person decided about this photo.

    named: no other photo of the results had this name.
    """

    inspection: Inspection
    said: Disposition
    named: bool = True

    @property
    def defects(self) -> tuple[tuple[str, str], ...] | None:
        """(defect, location) that are really to be seen; None where the person did not say."""
        said, verdict = self.said, self.said.verdict or self.inspection.verdict
        if said.defects:
            places = (*said.locations, *[""] * len(said.defects))
            return tuple(zip(said.defects, places, strict=False))
        if verdict == "PASS":
            return ()
        if said.decision == "agree":
            return tuple((f.defect, f.location) for f in self.inspection.findings)
        return None

    def row(self, photo: str) -> tuple[str, ...]:
        """Cells of records.csv; the last two are left out where the defects are not known."""
        about, said = self.inspection, self.said
        plain = (photo, said.note, said.part or about.part, about.lot, about.serial, about.station, said.operator)
        if self.defects is None:
            return (*plain, about.taken_at)
        return (*plain, about.taken_at, *(_cell(values) for values in _columns(self.defects)))


def decided(entries: Iterable[Entry], agreed: bool = False) -> tuple[Decided, ...]:
    """One for each photo whose verdict a person overruled, or gave where the station asked; in the order of rows.

    entries: all of a results file; agreed: those, too, that a person agreed with.
    """
    inspections: dict[int, Inspection] = {}
    last: dict[str, Decided] = {}
    photos: dict[str, set[str]] = {}
    for entry in entries:
        if isinstance(entry.content, Inspection):
            inspections[entry.number] = entry.content
            photos.setdefault(folded(entry.content.name), set()).add(entry.content.sha256)
        elif isinstance(entry.content, Disposition) and entry.content.entry in inspections:
            last.pop(entry.content.sha256, None)
            last[entry.content.sha256] = Decided(inspections[entry.content.entry], entry.content)
    found = (d for d in last.values() if d.said.decision != "retake" and (agreed or d.said.verdict))
    return tuple(replace(d, named=len(photos[folded(d.inspection.name)]) == 1) for d in found)


def records_text(rows: Iterable[Decided], names: Mapping[str, str]) -> str:
    """records.csv; names: of photos, by SHA-256.

    Cells are written as they are, also those that a spreadsheet would take for a formula: a record must come back
    as it was, and this file is made for `align`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(d.row(names[d.inspection.sha256]) for d in rows)
    return text.getvalue()


@dataclass(frozen=True, slots=True)
class Exported:
    """records: the file; rows: how many records; missing: names of photos that have none: they were not found, or,
    where photos are not copied, several photos had this name."""

    records: Path
    rows: int
    missing: tuple[str, ...] = ()


def export(rows: tuple[Decided, ...], target: Path, photos: Path | None = None) -> Exported:
    """Write the records to `target` (a folder: to its records.csv), and copies of the photos below it.

    photos: the folder where the photos lie now; None: they are named as the station knew them, and not copied.

    Raises:
        UsageError: the file is there already, or its folder is not.
    """
    folder = target if target.is_dir() or not target.suffix else target.parent
    file = target / "records.csv" if folder == target else target
    if file.exists():
        raise UsageError(f"{file} is there already", "name another file; records are never written over")
    if photos is None:
        names, missing = _named(rows)
    else:
        make_folder(folder)
        names, missing = _copied(rows, photos, folder)
    found = tuple(d for d in rows if d.inspection.sha256 in names)
    make_folder(file.parent)
    write_atomic(file, records_text(found, names))
    return Exported(file, len(found), tuple(missing))


def _named(rows: Iterable[Decided]) -> tuple[dict[str, str], list[str]]:
    """Photos by the names that the station knew; names that several photos had say of none which it is."""
    names = {d.inspection.sha256: d.inspection.name for d in rows if d.named}
    return names, sorted({d.inspection.name for d in rows if not d.named})


def _copied(rows: Iterable[Decided], photos: Path, folder: Path) -> tuple[dict[str, str], list[str]]:
    """Names of the copies below `folder`, by SHA-256, and the photos that are not there."""
    names, missing = dict[str, str](), list[str]()
    by_start = _files(photos)
    for about in (d.inspection for d in rows):
        source = _find(about, by_start)
        if source is None:
            missing.append(about.name)
            continue
        name = f"photos/{about.sha256[:16]}{source.suffix.lower()}"
        (folder / "photos").mkdir(exist_ok=True)
        copy_atomic(source, folder / name)
        names[about.sha256] = name
    return names, missing


def _find(about: Inspection, by_start: Mapping[str, list[Path]]) -> Path | None:
    """The file with these bytes, under its name or one that begins like it (moved files may carry a mark)."""
    stem = PurePosixPath(about.name).stem
    candidates = [*by_start.get(stem, ()), *by_start.get(f"{stem}-{about.sha256[:8]}", ())]
    return next((p for p in candidates if _is(p, about.sha256)), None)


def _is(path: Path, sha256: str) -> bool:
    try:
        return sha256_file(path) == sha256
    except OSError:
        return False


def _files(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "name the folder where the inspected photos lie now")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.setdefault(path.stem, []).append(path)
    return found


def _columns(defects: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, ...]]:
    yield tuple(d for d, _ in defects)
    yield tuple(place for _, place in defects)


def _cell(values: tuple[str, ...]) -> str:
    """Entries of a cell are separated by `;`, so that none may hold one."""
    return ";".join(v.replace(";", ",").replace("；", ",") for v in values) if any(values) else ""
