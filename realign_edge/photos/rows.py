"""Photos and records as the catalog stores them, and back."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from realign_edge.files import fingerprint, from_json
from realign_edge.photos.model import InspectionRecord, Photo


def content_fingerprint(photos: Iterable[Photo]) -> str:
    """Changes when any photo, record or split changes."""
    return fingerprint([(p.sha256, p.name, p.split, record_text(p.record)) for p in photos])


def record_text(record: InspectionRecord | None) -> str | None:
    """A record as stable JSON."""
    if record is None:
        return None
    values = {name: getattr(record, name) for name in record.__slots__}
    return json.dumps({**values, "attributes": dict(record.attributes)}, ensure_ascii=False, sort_keys=True)


def photo_row(root: Path, photo: Photo) -> tuple[Any, ...]:
    """A row of the table `photos`."""
    record = record_text(photo.record)
    return (str(root), photo.name, photo.sha256, photo.width, photo.height, photo.split, record)


def photo_from(row: Sequence[Any]) -> Photo:
    """The inverse of `photo_row`."""
    root, name, sha256, width, height, split, text = row
    record = None
    if text is not None:
        values = from_json(text)
        for key in ("defects", "locations"):
            values[key] = tuple(values[key])
        record = InspectionRecord(**{**values, "attributes": MappingProxyType(values["attributes"])})
    return Photo(sha256, Path(root) / name, name, width, height, split, record)
