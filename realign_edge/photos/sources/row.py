"""One row of a table, or one JSON object, as an inspection record."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from realign_edge.photos.model import InspectionRecord, Split
from realign_edge.photos.text import clean

MAX_NOTE = 20_000
MAX_FIELD = 1_000
MAX_ITEMS = 50
MAX_ATTRIBUTES = 64
_PLAIN = ("part", "lot", "serial", "station", "inspector", "taken_at", "camera", "lighting")
_KNOWN = frozenset((*_PLAIN, "note", "photo", "defects", "location", "split"))
# A row with one of these says something about its photo; `photo` alone does not.
TELLING = _KNOWN - {"photo"}
_SEPARATOR = re.compile("[;；]")
# What Japanese inspectors write into a cell for defects that would otherwise stay empty.
_NONE_JA = frozenset(
    (
        "なし",
        "無し",
        "無",
        "ナシ",
        "特になし",
        "異常なし",
        "異常無し",
        "異常無",
        "欠陥なし",
        "欠陥無し",
        "該当なし",
        "良",
        "良品",
    )
)
_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("held_out", "held-out", "heldout", "test", "val", "valid", "validation", "eval"), "held_out"),
}


class RowError(Exception):
    """A row that gives no record; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record, the split it asks for (None: none), and what of the row was passed over."""

    record: InspectionRecord
    split: Split | None
    passed_over: tuple[str, ...]


def read_row(values: Mapping[Any, Any], source: str) -> Row:
    """Build a record from columns or keys, whose case and surrounding blanks do not matter; others become attributes.

    `defects` states the defects as data only where the cell is there: an empty cell is "inspected, none
    found", a missing one is not.

    Raises:
        RowError: a value is too long, or is not text where text belongs.
    """
    row, others = _columns(values)
    passed_over: list[str] = []
    defects, locations = _findings(row, passed_over)
    split = clean(row.get("split")).lower()
    if split and split not in _SPLITS:
        passed_over.append("rows with an unknown `split`; use `train` or `held_out`")
    record = InspectionRecord(
        note=_text(row, "note", MAX_NOTE),
        **{name: _text(row, name, MAX_FIELD) for name in _PLAIN},
        defects=defects,
        locations=locations,
        known_defects=row.get("defects") is not None,
        attributes=MappingProxyType(_attributes(others, passed_over)),
        source=source,
    )
    return Row(record, _SPLITS.get(split), tuple(passed_over))


def _columns(values: Mapping[Any, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Known columns by their name, and all others as they are written."""
    known: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in values.items():
        if not isinstance(key, str):
            continue
        name = column(key)
        if name in _KNOWN:
            known[name] = value
        elif clean(key):
            others[clean(key)] = value
    return known, others


def column(written: str) -> str:
    """The name of a column however it is written: ` Taken At` is `taken_at`."""
    return clean(written).casefold().replace(" ", "_")


def _text(row: Mapping[str, Any], name: str, limit: int) -> str:
    value = row.get(name)
    if value is not None and not isinstance(value, str | int | float):
        raise RowError(f"`{name}` is not text")
    text = clean(value)
    if len(text) > limit:
        raise RowError(f"`{name}` is longer than {limit} characters")
    return text


def _findings(row: Mapping[str, Any], passed_over: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Defects and, parallel to them, their locations ("" where not given)."""
    defects, locations = _items(row, "defects"), _items(row, "location")
    if not any(locations):
        locations = [""] * len(defects)
    while len(locations) > len(defects) and not locations[-1]:
        locations.pop()
    if len(locations) != len(defects):
        passed_over.append("rows with another number of locations than of defects; the locations are passed over")
        locations = [""] * len(defects)
    pairs = [(d, place) for d, place in zip(defects, locations, strict=True) if d and not _says_none(d)]
    return tuple(d for d, _ in pairs), tuple(place for _, place in pairs)


def _says_none(defect: str) -> bool:
    return unicodedata.normalize("NFKC", defect).strip() in _NONE_JA


def _items(row: Mapping[str, Any], name: str) -> list[str]:
    """The entries of a cell or list; empty ones keep their place, so that defects and locations stay aligned."""
    value = row.get(name)
    if isinstance(value, list):
        if not all(item is None or isinstance(item, str) for item in value):
            raise RowError(f"`{name}` is not a list of texts")
        items = [clean(item) for item in value]
    else:
        text = _text(row, name, MAX_FIELD)
        items = [clean(item) for item in _SEPARATOR.split(text)] if text else []
    if len(items) > MAX_ITEMS or any(len(item) > MAX_FIELD for item in items):
        raise RowError(f"`{name}` has more than {MAX_ITEMS} entries, or one longer than {MAX_FIELD} characters")
    return items


def _attributes(others: Mapping[str, Any], passed_over: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in others.items():
        text = clean(value) if isinstance(value, str | int | float) else ""
        if value is None or text == "":
            continue
        if len(found) >= MAX_ATTRIBUTES or len(text) > MAX_FIELD or len(key) > MAX_FIELD:
            passed_over.append(f"rows with more than {MAX_ATTRIBUTES} further columns, or one too long to keep")
            break
        found[key] = text
    return found
