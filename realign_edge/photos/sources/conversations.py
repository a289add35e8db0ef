"""LLaVA-style files: a JSON list of `{image, conversations}`; the first answer is the note."""

from collections.abc import Iterator, Mapping
from typing import Any

from realign_edge.files import from_json
from realign_edge.photos.model import InspectionRecord
from realign_edge.photos.sources.problems import Problems
from realign_edge.photos.sources.row import MAX_NOTE
from realign_edge.photos.text import clean


def conversations(file: str, text: str, problems: Problems) -> Iterator[tuple[str, InspectionRecord]]:
    """(photo as written, record) of every entry with an image and an answer; other JSON gives nothing."""
    try:
        items = from_json(text)
    except (ValueError, RecursionError):
        problems.add(file, "not valid JSON; it is passed over")
        return
    for number, item in enumerate(items if isinstance(items, list) else [], 1):
        if not isinstance(item, Mapping) or "conversations" not in item:
            continue
        name, note = clean(item.get("image")), _first_answer(item["conversations"])
        if not name or not note:
            problems.count(file, "entries without image or answer; they are passed over", f"entry {number}")
        elif len(note) > MAX_NOTE:
            problems.count(file, f"answers longer than {MAX_NOTE} characters; they are passed over", f"entry {number}")
        else:
            yield name, InspectionRecord(note=note, source=file)


def _first_answer(turns: Any) -> str:
    for turn in turns if isinstance(turns, list) else []:
        if isinstance(turn, Mapping) and turn.get("from") in ("gpt", "assistant"):
            return clean(turn.get("value"))
    return ""
