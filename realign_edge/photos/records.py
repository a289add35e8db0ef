"""Inspection records of a photo folder, from whichever sources it has. The first source found wins per photo."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realign_edge.photos.model import InspectionRecord, Split
from realign_edge.photos.regular import Refusal, read_bytes, stays_inside
from realign_edge.photos.scan import list_folder
from realign_edge.photos.sources.conversations import conversations
from realign_edge.photos.sources.layout import Layouts
from realign_edge.photos.sources.names import PhotoNames
from realign_edge.photos.sources.problems import Problems
from realign_edge.photos.sources.row import Row, RowError, column, read_row
from realign_edge.photos.sources.sidecar import from_sidecar, sidecars_of
from realign_edge.photos.sources.table import Rows, csv_rows, jsonl_rows
from realign_edge.photos.text import clean, decode_text

MAX_TABLE = 200_000_000
MAX_SIDECAR = 2_000_000
_TABLES: tuple[tuple[str, Callable[[str], Rows]], ...] = (("records.csv", csv_rows), ("records.jsonl", jsonl_rows))


@dataclass(frozen=True)
class RecordSet:
    """Records by photo name, the splits that records ask for, and what could not be read."""

    records: dict[str, InspectionRecord] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def sources_of(names: Iterable[str], texts: Iterable[str]) -> list[str]:
    """Those of the files `texts` that `read_records` may open for photos called `names`."""
    beside = {file for name in names for file in sidecars_of(name)}
    return [t for t in texts if t in beside or _is_table(t) or ("/" not in t and t.endswith(".json"))]


def read_records(
    root: Path, names: Sequence[str], texts: Iterable[str] | None = None, refused: Iterable[str] = ()
) -> RecordSet:
    """Read the records of the photos called `names`.

    Order: records.csv, records.jsonl, the sidecar, LLaVA-style files at the root by name, and last what
    folder names imply. A folder below may have tables of its own for the photos in it, such as the one that a
    station's decisions are exported to; those of the folder above count first. `texts` are the text files below
    `root` (None: they are looked for); `refused` are photos that records may name though they cannot be read.
    """
    texts = list_folder(root).texts if texts is None else texts
    refused = tuple(refused)
    reading = _Reading(root, PhotoNames(root, names, refused), sources_of(names, texts))
    for file, rows in _tables_of(reading.files):
        below = file.rpartition("/")[0]
        known = PhotoNames(root / below, _within(below, names), _within(below, refused)) if below else reading.names
        reading.table(file, rows, known, below)
    for name in names:
        reading.sidecar(name)
    beside = {file for name in names for file in sidecars_of(name)}
    for file in reading.files:
        if file.endswith(".json") and "/" not in file and file not in beside:
            reading.conversations(file)
    layouts = Layouts(root.name, names)
    for name in names:
        if name not in reading.records and (record := layouts.record(name)) is not None:
            reading.records[name] = record
    return RecordSet(reading.records, reading.splits, reading.problems.listed())


class _Reading:
    """What is found so far, source after source."""

    def __init__(self, root: Path, names: PhotoNames, files: Sequence[str]) -> None:
        self.root, self.names, self.files = root, names, files
        self.present = frozenset(files)
        self.problems = Problems()
        self.records: dict[str, InspectionRecord] = {}
        self.splits: dict[str, Split] = {}

    def table(self, file: str, rows: Callable[[str], Rows], names: PhotoNames, below: str) -> None:
        """names: of the photos that it may name, without their folder `below` ("" is the root)."""
        text = self.text(file, MAX_TABLE)
        seen: set[str] = set()
        for line, values in rows(text) if text is not None else ():
            if isinstance(values, str):
                self.problems.add(file, values, line)
                continue
            written = next((clean(v) for k, v in values.items() if isinstance(k, str) and column(k) == "photo"), "")
            name = self.photo(file, written, f"line {line}", names)
            name = f"{below}/{name}" if name and below else name
            if name in seen:
                self.problems.count(file, "rows name a photo of an earlier row; the first row counts", f"line {line}")
            elif name:
                seen.add(name)
                self.row(file, line, name, values)

    def row(self, file: str, line: int, name: str, values: Mapping[Any, Any]) -> None:
        try:
            row = read_row(values, file)
        except RowError as problem:
            self.problems.add(file, f"{problem}; the row is passed over, shorten or correct it", line)
            return
        for what in row.passed_over:
            self.problems.count(file, what, f"line {line}")
        self.take(name, row)

    def photo(self, file: str, written: str, where: str, names: PhotoNames) -> str:
        """The photo that a record names, "" (told as a problem) where there is none."""
        if not written:
            self.problems.count(file, "rows name no `photo`; they are passed over", where)
            return ""
        name = names.find(written)
        if name is None:
            text = "rows name photos that are not there, or are not the only ones of that name; they are passed over"
            self.problems.count(file, text, f"`{written}`, {where}")
        return name or ""

    def take(self, name: str, row: Row) -> None:
        if name not in self.records:
            self.records[name] = row.record
            if row.split is not None:
                self.splits[name] = row.split

    def sidecar(self, name: str) -> None:
        if name not in self.records:
            row = from_sidecar(name, self.present, lambda file: self.text(file, MAX_SIDECAR), self.problems)
            if row is not None:
                self.take(name, row)

    def conversations(self, file: str) -> None:
        text = self.text(file, MAX_TABLE)
        for written, record in conversations(file, text, self.problems) if text is not None else ():
            if name := self.photo(file, written, "an entry", self.names):
                self.records.setdefault(name, record)

    def text(self, file: str, limit: int) -> str | None:
        """A record file's text; None, told as a problem, where it cannot be had."""
        path = self.root / file
        try:
            stays_inside(path, self.root)
            text, whole = decode_text(read_bytes(path, limit))
        except Refusal as refusal:
            self.problems.add(file, f"{refusal}; it is passed over")
            return None
        if not whole:
            self.problems.add(file, "neither UTF-8 nor Shift-JIS; characters that cannot be read were replaced")
        return text


def _is_table(text: str) -> bool:
    return any(text.rpartition("/")[2] == file for file, _ in _TABLES)


def _tables_of(files: Iterable[str]) -> list[tuple[str, Callable[[str], Rows]]]:
    """The root's, then those of folders below by name; of one folder in the order of `_TABLES`."""
    known = dict(_TABLES)
    found = [(*f.rpartition("/")[::2], f) for f in files if _is_table(f)]
    order = list(known)
    return [(f, known[name]) for _, name, f in sorted(found, key=lambda t: (t[0], order.index(t[1])))]


def _within(below: str, names: Iterable[str]) -> list[str]:
    """Names of what lies in this folder, without it."""
    return [n.removeprefix(f"{below}/") for n in names if n.startswith(f"{below}/")]
