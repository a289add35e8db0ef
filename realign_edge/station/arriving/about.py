"""What is known about a photo that arrives: from the options, else from the records beside it, else from its name."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from realign_edge.photos.records import read_records
from realign_edge.photos.sources.sidecar import sidecars_of
from realign_edge.station.arriving.arrivals import NamePattern
from realign_edge.station.arriving.context import Context

_TABLES = ("records.csv", "records.jsonl")


def context_by(given: Context, pattern: str = "") -> Callable[[Path, str], Context]:
    """A function of a photo's path and its name below the watched folder.

    Records are looked for when the photo is: a sidecar is to be written before its photo.

    Raises:
        UsageError: the pattern makes no sense.
    """
    reader = NamePattern(pattern) if pattern else None

    def about(path: Path, name: str) -> Context:
        named = reader.read(name) if reader is not None else Context()
        return _first_of(given, _recorded(path), named)

    return about


def _recorded(path: Path) -> Context:
    beside = [f for f in (*_TABLES, *sidecars_of(path.name)) if (path.parent / f).is_file()]
    record = read_records(path.parent, (path.name,), beside).records.get(path.name) if beside else None
    if record is None:
        return Context()
    return Context(station=record.station, lot=record.lot, serial=record.serial, taken_at=record.taken_at)


def _first_of(*contexts: Context) -> Context:
    found = {f.name: next((v for c in contexts if (v := getattr(c, f.name))), "") for f in fields(Context)}
    return Context(**found)
