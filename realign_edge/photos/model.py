"""What the other rooms know of a photo: its identity, its inspection record, and where it lies."""

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

Split = Literal["train", "held_out"]


def _read_only(values: dict[str, str]) -> MappingProxyType[str, str]:
    return MappingProxyType(values)


# A record travels between processes, and a read-only dictionary does not do so by itself.
copyreg.pickle(MappingProxyType, lambda view: (_read_only, (dict(view),)))


@dataclass(frozen=True, slots=True)
class InspectionRecord:
    """What a person once wrote about a photo. Every field may be empty.

    `defects` and `locations` are parallel where locations are known: `locations[i]` belongs to
    `defects[i]`, "" where unknown. `known_defects` is True when the record states the defects as
    data (a `defects` column, a dataset layout), so that an empty tuple means "inspected, none found".
    `attributes` holds every further column (finish, background, ...), `source` the file it came from.
    """

    note: str = ""
    part: str = ""
    defects: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    known_defects: bool = False
    lot: str = ""
    serial: str = ""
    station: str = ""
    inspector: str = ""
    taken_at: str = ""
    camera: str = ""
    lighting: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    source: str = ""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the collection. `sha256` of the file's bytes is its identity.

    `path` is absolute; `name` is the path below the photo folder, with forward slashes; `width` and
    `height` are pixels after EXIF rotation; `split` keeps near-duplicates of one lot or serial together.
    """

    sha256: str
    path: Path
    name: str
    width: int
    height: int
    split: Split
    record: InspectionRecord | None = None


@dataclass(frozen=True, slots=True)
class RefusedPhoto:
    """A file that was not taken: `name` below the photo folder and `reason` in plain words."""

    name: str
    reason: str
