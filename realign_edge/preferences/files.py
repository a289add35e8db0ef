"""Pair files of other tools: TRL's preference JSONL and the public Re-Align file."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from realign_edge.errors import UsageError
from realign_edge.files import from_json
from realign_edge.photos.model import Photo
from realign_edge.preferences.model import PreferencePair, Provenance

FORMS = ("trl", "realign")


def pair_rows(pairs: Iterable[PreferencePair], photos: Mapping[str, Photo], form: str) -> list[dict[str, Any]]:
    """Pairs as rows of `form`; image paths are absolute."""
    return [_trl(p, photos) if form == "trl" else _realign(p, photos) for p in pairs]


def dump(rows: list[dict[str, Any]], form: str) -> str:
    """TRL's form is JSONL, Re-Align's one JSON list."""
    if form == "realign":
        return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _trl(pair: PreferencePair, photos: Mapping[str, Photo]) -> dict[str, Any]:
    content = [{"type": "image"}, {"type": "text", "text": pair.prompt}]
    return {
        "images": [str(photos[pair.photo].path)],
        "prompt": [{"role": "user", "content": content}],
        "chosen": [{"role": "assistant", "content": [{"type": "text", "text": pair.chosen}]}],
        "rejected": [{"role": "assistant", "content": [{"type": "text", "text": pair.rejected}]}],
        "rejected_images": [str(photos[pair.retrieved].path)] if pair.retrieved else [],
    }


def _realign(pair: PreferencePair, photos: Mapping[str, Photo]) -> dict[str, Any]:
    return {
        "image": str(photos[pair.photo].path),
        "retrieved_image": str(photos[pair.retrieved].path) if pair.retrieved else "",
        "question": pair.prompt,
        "chosen": pair.chosen,
        "rejected": pair.rejected,
    }


def read_pairs(path: Path, photos: Iterable[Photo]) -> tuple[list[PreferencePair], list[str]]:
    """Pairs of a file in either form, and the lines that could not be taken, with the reason.

    Photos are found by path, by name below the photo folder, or by file name where that is unique.

    Raises:
        UsageError: the file cannot be read at all.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{path} cannot be read: {problem}", "name a pair file in TRL or Re-Align form") from problem
    known = _lookup(photos)
    pairs, problems = [], []
    for number, row in _rows(text, path):
        try:
            pairs.append(_pair(row, known))
        except (KeyError, TypeError, ValueError, IndexError) as problem:
            problems.append(f"{path.name} row {number}: {_reason(problem)}")
    return pairs, problems


def _rows(text: str, path: Path) -> Iterable[tuple[int, Any]]:
    if text.lstrip().startswith("["):
        try:
            yield from enumerate(from_json(text), 1)
        except ValueError as problem:
            raise UsageError(f"{path} is not valid JSON: {problem}", "export it again") from problem
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, from_json(line)
            except ValueError:
                yield number, None


def _lookup(photos: Iterable[Photo]) -> dict[str, str]:
    known: dict[str, str] = {}
    for photo in photos:
        base = photo.name.rsplit("/", 1)[-1]
        known[base] = photo.sha256 if known.get(base, photo.sha256) == photo.sha256 else ""
        known[photo.name] = known[str(photo.path)] = photo.sha256
    return known


def _pair(row: Any, known: Mapping[str, str]) -> PreferencePair:
    if not isinstance(row, Mapping):
        raise ValueError("not a JSON object")
    image = row["images"][0] if "images" in row else row["image"]
    retrieved = (row.get("rejected_images") or [""])[0] if "images" in row else row.get("retrieved_image", "")
    prompt = _text(row.get("prompt", row.get("question", "")))
    chosen, rejected = _text(row["chosen"]), _text(row["rejected"])
    if not prompt or not chosen or not rejected:
        raise ValueError("prompt, chosen and rejected must not be empty")
    shas = [_photo(str(name), known) if name else "" for name in (image, retrieved)]
    return PreferencePair(shas[0], shas[1], prompt, chosen, rejected, "note", Provenance("import"))


def _photo(name: str, known: Mapping[str, str]) -> str:
    found = known.get(name) or known.get(name.rsplit("/", 1)[-1])
    if not found:
        raise ValueError(f"no photo `{name}` in this folder")
    return found


def _text(value: Any) -> str:
    """Text, or the text of a chat message list."""
    if isinstance(value, str):
        return value.strip()
    content = value[-1]["content"]
    if isinstance(content, str):
        return content.strip()
    return " ".join(c["text"] for c in content if c.get("type") == "text").strip()


def _reason(problem: Exception) -> str:
    return f"`{problem.args[0]}` is missing" if isinstance(problem, KeyError) else str(problem)
