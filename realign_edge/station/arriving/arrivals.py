"""Which photos are to be inspected, and what is known about each: its lot, serial number, station."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from realign_edge.errors import MissingError, UsageError
from realign_edge.photos.records import read_records
from realign_edge.photos.scan import list_folder
from realign_edge.station.arriving.context import Context

_FIELDS = tuple(f.name for f in fields(Context))


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file to inspect. name: below the folder that was named, or the file's; reason: why it cannot be, else "";
    folder: that no link may lead out of, None where a person named the file itself.
    """

    path: Path
    name: str
    context: Context
    reason: str = ""
    folder: Path | None = None


def arrivals(places: Sequence[Path], given: Context, pattern: str = "") -> list[Arrival]:
    """Files and folders in the order in which they were named, folders in name order, each file once.

    What is `given` beats what a record says, and that beats what the file's name says (`pattern`, see `NamePattern`).

    Raises:
        MissingError: a place is not there.
        UsageError: the pattern makes no sense.
    """
    reader = NamePattern(pattern) if pattern else None
    found: dict[Path, Arrival] = {}
    for place in places:
        if not place.exists():
            raise MissingError(f"{place} is not there", "name photos, or folders of photos")
        for arrival in _below(place) if place.is_dir() else _beside(place):
            known = arrival.context
            if reader is not None:
                known = _filled(known, reader.read(arrival.name))
            found.setdefault(arrival.path, replace(arrival, context=_filled(given, known)))
    return list(found.values())


def _below(folder: Path) -> Iterator[Arrival]:
    listing = list_folder(folder)
    contexts = _contexts(folder, tuple(listing.photos), tuple(listing.texts))
    for name in listing.photos:
        yield Arrival(folder / name, name, contexts.get(name, Context()), folder=folder)
    for file in listing.refused:
        yield Arrival(folder / file.name, file.name, Context(), file.reason)


def _beside(file: Path) -> Iterator[Arrival]:
    """One file, with the records of its folder; it need not have a photo's ending."""
    name = file.name
    yield Arrival(file, name, _contexts(file.parent, (name,), None).get(name, Context()))


def _contexts(folder: Path, names: tuple[str, ...], texts: tuple[str, ...] | None) -> Mapping[str, Context]:
    present = _texts(folder) if texts is None else texts
    records = read_records(folder, names, present).records
    return {n: Context(station=r.station, lot=r.lot, serial=r.serial, taken_at=r.taken_at) for n, r in records.items()}


@lru_cache(maxsize=8)
def _texts(folder: Path) -> tuple[str, ...]:
    """Record files right in the folder, for single photos of it; folders below are not looked into."""
    return tuple(sorted(p.name for p in folder.iterdir() if p.is_file() and p.suffix.lower() in _TEXTS))


_TEXTS = (".csv", ".jsonl", ".json", ".txt")


def _filled(first: Context, second: Context) -> Context:
    """The first one, its gaps filled from the second."""
    return Context(**{n: getattr(first, n) or getattr(second, n) for n in _FIELDS})


class NamePattern:
    """What a file name says, by a pattern like `{lot}_{serial}_*`.

    Names in braces are fields of `Context` and stand for at least one character, `*` for any number, none of them `/`;
    `**` is anything. Each ends where the character that follows it in the pattern comes first, so that reading a name
    takes no longer than the name is long. The pattern is compared with the name below the folder where it holds a
    `/`, else with the file's own name; the ending (`.jpg`) may be left out.
    """

    def __init__(self, pattern: str) -> None:
        """Raises UsageError where the pattern makes no sense."""
        self._whole = "/" in pattern
        parts = [p for p in re.split(r"(\{[^{}]*\}|\*\*|\*)", pattern) if p]
        names = [p[1:-1] for p in parts if p.startswith("{")]
        unclear = any(_is_free(a) and _is_free(b) for a, b in pairwise(parts)) or parts.count("**") > 1
        if unclear or not names or {*names} - {*_FIELDS} or len({*names}) < len(names) or len(pattern) > 500:
            known = ", ".join(f"{{{n}}}" for n in _FIELDS)
            raise UsageError(
                f"the name pattern {pattern!r} makes no sense",
                f"use each of {known} once at most, and *, with something between them",
            )
        following = [*parts[1:], ""]
        read = "".join(_expression(part, after[:1]) for part, after in zip(parts, following, strict=True))
        self._expression = re.compile(read + r"(?:\.[A-Za-z0-9]{1,5})?")

    def read(self, name: str) -> Context:
        """The fields that a name (with `/`) gives; none where it is not of the pattern."""
        match = self._expression.fullmatch(name if self._whole else name.rpartition("/")[2])
        return Context(**match.groupdict()) if match else Context()


def _is_free(part: str) -> bool:
    """Does this part of a pattern stand for something else?"""
    return part.startswith(("{", "*"))


def _expression(part: str, after: str) -> str:
    """after: the character that follows in the pattern, "" at its end."""
    if not _is_free(part):
        return re.escape(part)
    if part == "**":
        return ".*?"
    any_of = f"[^/{re.escape(after)}]"
    return f"{any_of}*?" if part == "*" else f"(?P<{part[1:-1]}>{any_of}+?)"
