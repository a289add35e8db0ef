"""Inspection records: where they may stand, and how they are read. The first source found wins per photo."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from realign_edge.photos.model import InspectionRecord

MAX_RECORD_FILE = 200_000_000
MAX_NOTE = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_PLAIN = ("note", "part", "lot", "serial", "station", "inspector", "taken_at", "camera", "lighting")


@dataclass
class RecordSet:
    """Records by photo name, explicit splits by photo name, and what could not be read."""

    records: dict[str, InspectionRecord] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_records(root: Path, names: Iterable[str]) -> RecordSet:
    """Read every record source below `root` for the photos called `names`."""
    found, wanted = RecordSet(), set(names)
    for file, reader in (("records.csv", _csv_rows), ("records.jsonl", _jsonl_rows)):
        if (root / file).is_file():
            _from_table(root / file, reader, wanted, found)
    for path in sorted(root.glob("*.json")):
        _from_conversations(path, wanted, found)
    for name in sorted(wanted - found.records.keys()):
        record = _from_sidecar(root, name, found.problems) or _from_layout(name)
        if record is not None:
            found.records[name] = record
    return found


def clean(text: object) -> str:
    """Untrusted text without control characters, terminal escapes and direction overrides."""
    return _CONTROL.sub("", str(text if text is not None else "")).strip()


def _from_table(
    path: Path, reader: Callable[[str], Iterable[tuple[int, Any]]], wanted: set[str], found: RecordSet
) -> None:
    text = _read_text(path, found.problems)
    missing = 0
    for line, row in reader(text):
        where = f"{path.name} line {line}"
        if not isinstance(row, Mapping):
            found.problems.append(
                f"{where}: {row if isinstance(row, str) else 'not an object'}; the row is passed over"
            )
            continue
        name = str(PurePosixPath(clean(row.get("photo")).replace("\\", "/")))
        if name in ("", "."):
            found.problems.append(f"{where}: no `photo` is named; the row is passed over")
        elif name not in wanted:
            missing += 1
        elif len(clean(row.get("note"))) > MAX_NOTE:
            found.problems.append(f"{where}: the note is longer than {MAX_NOTE} characters; the row is passed over")
        elif name not in found.records:
            found.records[name] = record_from(row, path.name)
            if clean(row.get("split")):
                found.splits[name] = clean(row.get("split"))
    if missing:
        found.problems.append(f"{path.name}: {missing} rows name photos that were not read; they are passed over")


def record_from(row: Mapping[str, Any], source: str) -> InspectionRecord:
    """Build a record from columns; unknown columns become attributes."""
    known = {f.name for f in fields(InspectionRecord)} | {"photo", "location", "split"}
    defects = _list(row.get("defects"))
    locations = _list(row.get("location"))
    attributes = {k: clean(v) for k, v in row.items() if isinstance(k, str) and k not in known and clean(v)}
    return InspectionRecord(
        **{name: clean(row.get(name)) for name in _PLAIN},
        defects=defects,
        locations=locations if len(locations) == len(defects) else ("",) * len(defects),
        known_defects="defects" in row,
        attributes=MappingProxyType(attributes),
        source=source,
    )


def _list(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else clean(value).split(";")
    return tuple(text for text in (clean(item) for item in items) if text)


def _read_text(path: Path, problems: list[str]) -> str:
    """UTF-8 with or without BOM, else cp932, which Japanese spreadsheets write."""
    if path.stat().st_size > MAX_RECORD_FILE:
        problems.append(f"{path.name}: larger than {MAX_RECORD_FILE // 1_000_000} MB; not read")
        return ""
    try:
        data = path.read_bytes()
    except OSError as problem:
        problems.append(f"{path.name}: cannot be read ({problem.strerror}); check its permissions")
        return ""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    problems.append(f"{path.name}: neither UTF-8 nor Shift-JIS; unreadable characters were replaced")
    return data.decode("utf-8", "replace")


def _csv_rows(text: str) -> Iterable[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text.replace("\x00", "")), strict=False)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            yield reader.line_num, str(problem)
            return
        yield reader.line_num, row


def _jsonl_rows(text: str) -> Iterable[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, "not valid JSON"


def _from_conversations(path: Path, wanted: set[str], found: RecordSet) -> None:
    """A LLaVA-style file: a list of {image, conversations}; the first answer is the note."""
    if str(path.with_suffix("").name) in {Path(n).stem for n in wanted}:
        return
    try:
        items = json.loads(_read_text(path, found.problems))
    except (ValueError, RecursionError):
        found.problems.append(f"{path.name}: not valid JSON; passed over")
        return
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, Mapping) or not isinstance(item.get("conversations"), list):
            continue
        name = clean(item.get("image"))
        turns = [t for t in item["conversations"] if isinstance(t, Mapping)]
        answers = [clean(t.get("value")) for t in turns if t.get("from") in ("gpt", "assistant")]
        if name in wanted and answers and name not in found.records:
            found.records[name] = InspectionRecord(note=answers[0][:MAX_NOTE], source=path.name)


def _from_sidecar(root: Path, name: str, problems: list[str]) -> InspectionRecord | None:
    base = root / name
    for path in (base.with_suffix(".json"), Path(f"{base}.json")):
        if path.is_file():
            try:
                row = json.loads(_read_text(path, problems))
            except (ValueError, RecursionError):
                problems.append(f"{path.relative_to(root)}: not valid JSON; passed over")
                return None
            return record_from(row, path.name) if isinstance(row, Mapping) else None
    for path in (base.with_suffix(".txt"), Path(f"{base}.txt")):
        if path.is_file():
            return InspectionRecord(note=clean(_read_text(path, problems))[:MAX_NOTE], source=path.name)
    return None


def _from_layout(name: str) -> InspectionRecord | None:
    """MVTec AD, VisA, and plain normal/abnormal folders tell part and defect by their names."""
    folders = PurePosixPath(name).parts[:-1]
    lowered = [f.lower() for f in folders]
    if len(folders) >= 3 and lowered[-2] in ("train", "test"):
        defects = () if lowered[-1] == "good" else (folders[-1].replace("_", " "),)
        return _by_layout(folders[-3], defects, "MVTec AD layout")
    if len(folders) >= 4 and lowered[-3:-1] == ["data", "images"] and lowered[-1] in ("normal", "anomaly"):
        return _by_layout(folders[-4], ("anomaly",) if lowered[-1] == "anomaly" else (), "VisA layout")
    if folders and lowered[-1] in ("normal", "good", "ok", "abnormal", "anomaly", "defect", "ng"):
        sound = lowered[-1] in ("normal", "good", "ok")
        return _by_layout(folders[-2] if len(folders) > 1 else "", () if sound else ("anomaly",), "folder names")
    return None


def _by_layout(part: str, defects: tuple[str, ...], source: str) -> InspectionRecord:
    return InspectionRecord(
        part=clean(part.replace("_", " ")),
        defects=defects,
        locations=("",) * len(defects),
        known_defects=True,
        source=source,
    )
