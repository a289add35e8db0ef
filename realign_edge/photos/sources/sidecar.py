"""A file beside its photo: `<photo>.json` holds a record's columns, `<photo>.txt` a note."""

import re
from collections.abc import Callable, Collection
from pathlib import PurePosixPath

from realign_edge.files import from_json
from realign_edge.photos.model import InspectionRecord
from realign_edge.photos.sources.problems import Problems
from realign_edge.photos.sources.row import MAX_NOTE, TELLING, Row, RowError, column, read_row
from realign_edge.photos.text import clean

# Labels of a detector (YOLO) stand beside photos under the same name.
_NUMBERS = re.compile(r"[-+.\d\seE]*")


def sidecars_of(name: str) -> tuple[str, ...]:
    """Where the sidecar of photo `name` may stand, first to last: `x.json`, `x.jpg.json`, `x.txt`, `x.jpg.txt`."""
    path = PurePosixPath(name)
    return tuple(str(p) for end in (".json", ".txt") for p in (path.with_suffix(end), PurePosixPath(f"{name}{end}")))


def from_sidecar(
    name: str, texts: Collection[str], read: Callable[[str], str | None], problems: Problems
) -> Row | None:
    """The record beside photo `name`, None where there is none. `texts` are the files there are."""
    for file in sidecars_of(name):
        if file in texts and (text := read(file)) is not None:
            found = _from_json(file, text, problems) if file.endswith(".json") else _from_txt(file, text, problems)
            if found is not None:
                return found
    return None


def _from_json(file: str, text: str, problems: Problems) -> Row | None:
    try:
        value = from_json(text)
    except (ValueError, RecursionError):
        problems.add(file, "not valid JSON; it is passed over")
        return None
    if not isinstance(value, dict) or not TELLING & {column(k) for k in value}:
        problems.count("sidecars", "JSON files beside photos have no column of a record; they are passed over", file)
        return None
    try:
        row = read_row(value, PurePosixPath(file).name)
    except RowError as problem:
        problems.add(file, f"{problem}; it is passed over")
        return None
    for what in row.passed_over:
        problems.count("sidecars", what, file)
    return row


def _from_txt(file: str, text: str, problems: Problems) -> Row | None:
    note = clean(text)
    if not note:
        return None
    if _NUMBERS.fullmatch(note):
        problems.count("sidecars", "text files beside photos hold numbers only; they are no notes", file)
        return None
    if len(note) > MAX_NOTE:
        problems.add(file, f"the note is longer than {MAX_NOTE} characters; it is passed over, shorten it")
        return None
    return Row(InspectionRecord(note=note, source=PurePosixPath(file).name), None, ())
