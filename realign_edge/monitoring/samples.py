"""The last samples of different photos: what the model said before alignment and says now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from realign_edge.monitoring.marks import whole
from realign_edge.monitoring.model import Answer, Piece, SampleView
from realign_edge.photos.text import clean

# The trainer shows a handful; more would be of photos that are no longer shown.
_MOST_PHOTOS = 12
_MOST_WORDS, _MOST_MARKS = 2000, 60


@dataclass(frozen=True, slots=True)
class _Kept:
    time: float
    view: SampleView


class Samples:
    """One sample a photo, its newest; photos in the order that they were first shown."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def take(self, event: Mapping[str, Any], time: float) -> None:
        """One `sample` event; what is not one is passed over."""
        view = _view(event)
        if view is None or (view.name in self._kept and self._kept[view.name].time > time):
            return
        self._kept[view.name] = _Kept(time, view)
        if len(self._kept) > _MOST_PHOTOS:
            oldest = min(self._kept, key=lambda name: self._kept[name].time)
            del self._kept[oldest]

    def view(self, pinned: str, photos: str) -> SampleView | None:
        """The newest, or that of the pinned photo; photos: the folder that it lies in."""
        if not self._kept:
            return None
        names = list(self._kept)
        newest = max(names, key=lambda name: self._kept[name].time)
        name = pinned if pinned in self._kept else newest
        return replace(
            self._kept[name].view, photo=_photo(photos, name), number=names.index(name) + 1, count=len(names)
        )

    def beside(self, view: SampleView, by: int) -> str:
        """Name of the photo `by` places behind that of a view."""
        names = list(self._kept)
        return names[(view.number - 1 + by) % len(names)]


def _view(event: Mapping[str, Any]) -> SampleView | None:
    before, now = event.get("before"), event.get("now")
    name = clean(event.get("name"))
    if not isinstance(before, dict) or not isinstance(now, dict) or not name:
        return None
    question, record = (clean(event.get(key))[:_MOST_WORDS] for key in ("question", "record"))
    return SampleView(whole(event, "step"), None, name, question, record, _answer(before), _answer(now))


def _answer(about: Mapping[str, Any]) -> Answer:
    """The text cut where what is marked begins and ends; marks that are none are passed over."""
    # The offsets are those of the text as it was written, so each piece is cleaned by itself.
    text = str(about.get("text") or "")[:_MOST_WORDS]
    pieces: list[Piece] = []
    at = 0
    marks = about.get("marks")
    for mark in sorted(m for m in (marks if isinstance(marks, list) else [])[:_MOST_MARKS] if _is_mark(m)):
        start, end = max(mark[0], at), min(mark[1], len(text))
        if start < end:
            pieces += [Piece(text[at:start]), Piece(text[start:end], "absent")]
            at = end
    pieces.append(Piece(text[at:]))
    shown = tuple(Piece(_plain(p.text), p.mark) for p in pieces if p.text)
    return Answer(shown, _terms(about.get("absent")), _terms(about.get("missed")))


def _plain(text: str) -> str:
    """As `clean`, with the spaces at its ends, by which the pieces stand apart."""
    body = text.strip()
    lead = " " if text[: len(text) - len(text.lstrip())] else ""
    trail = " " if body and text[len(text.rstrip()) :] else ""
    return lead + " ".join(clean(body).split()) + trail


def _is_mark(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(v) is int and v >= 0 for v in value)


def _terms(value: object) -> tuple[str, ...]:
    return tuple(clean(v)[:80] for v in value[:_MOST_MARKS]) if isinstance(value, list) else ()


def _photo(photos: str, name: str) -> Path | None:
    """The file, where it is there and below the photo folder."""
    parts = PurePosixPath(name)
    if not photos or parts.is_absolute() or ".." in parts.parts:
        return None
    path = Path(photos) / parts
    try:
        return path if path.is_file() else None
    except OSError:
        return None
