"""What is known about a photo that arrives: from the options, else from the records beside it, else from its name."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from realign_edge.photos.records import read_records
from realign_edge.photos.sources.sidecar import sidecars_of
from realign_edge.station.arriving.arrivals import NamePattern
from realign_edge.station.arriving.context import Context

_TABLES = ("records.csv", "records.jsonl")
# Tables are read anew for each photo that arrives; one of this size takes some seconds.
MOST_TABLE = 10_000_000


def context_by(
    given: Context, pattern: str = "", tell: Callable[[str], None] = lambda _words: None
) -> Callable[[Path, str], Context]:
    """A function of a photo's path and its name below the watched folder.

    Records are looked for when the photo is: a sidecar is to be written before its photo. tell: hears once of a table
    that is too large to be read for every photo.

    Raises:
        UsageError: the pattern makes no sense.
    """
    reader = NamePattern(pattern) if pattern else None
    large: set[Path] = set()

    def readable(file: Path) -> bool:
        if not file.is_file() or file.stat().st_size <= MOST_TABLE or file.name not in _TABLES:
            return file.is_file()
        if file not in large:
            large.add(file)
            tell(f"{file} is larger than {MOST_TABLE // 1_000_000} MB and is not read: write a file beside each photo")
        return False

    def about(path: Path, name: str) -> Context:
        named = reader.read(name) if reader is not None else Context()
        return _first_of(given, _recorded(path, readable), named)

    return about


def _recorded(path: Path, readable: Callable[[Path], bool]) -> Context:
    beside = [f for f in (*_TABLES, *sidecars_of(path.name)) if readable(path.parent / f)]
    record = read_records(path.parent, (path.name,), beside).records.get(path.name) if beside else None
    if record is None:
        return Context()
    return Context(station=record.station, lot=record.lot, serial=record.serial, taken_at=record.taken_at)


def _first_of(*contexts: Context) -> Context:
    found = {f.name: next((v for c in contexts if (v := getattr(c, f.name))), "") for f in fields(Context)}
    return Context(**found)
