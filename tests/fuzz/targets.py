"""What reads files from outside, each as a function of bytes: a refusal is fine, anything else is a finding."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from realign_edge.appliance.settings import ApplianceConfig
from realign_edge.appliance.upkeep.backup import known_backups
from realign_edge.bundle.keys import PublicKey, read_public
from realign_edge.bundle.manifest import parse_manifest
from realign_edge.bundle.signature import signer_of
from realign_edge.config.load import from_values, load_config, read_toml
from realign_edge.errors import RealignError
from realign_edge.files import sha256_bytes
from realign_edge.glossary.findings import find_findings
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.model import Glossary, Term
from realign_edge.modelstore.archive import TarSource
from realign_edge.modelstore.header import HeaderError, parse_header
from realign_edge.modelstore.intake import inspect
from realign_edge.photos.decode import Refusal, decode
from realign_edge.photos.records import read_records
from realign_edge.photos.text import clean, is_clean_name
from realign_edge.pipeline.config import AlignConfig
from realign_edge.preferences.files import read_pairs
from realign_edge.results.content import parse
from realign_edge.retrieval.index import _load
from realign_edge.runs.events import newest_events, read_events
from realign_edge.station.evidence.past import load_past
from realign_edge.station.judging.rules import load_rules
from realign_edge.station.profile import read_profile
from realign_edge.station.prompting.template import ChatTemplate
from realign_edge.station.prompting.tokens import check_tokenizer

Target = Callable[[bytes, Path], object]
_GLOSSARY = Glossary(
    (
        Term("scratch", "defect", "", ("scratch", "scratched"), ("傷", "スクラッチ")),
        Term("dent", "defect", "", ("dent",), ("へこみ",)),
        Term("edge", "location", "", ("edge", "at the edge"), ("端",)),
        Term("bracket", "part", "", ("bracket",), ("ブラケット",)),
    ),
    "fuzz",
)
REFUSALS = (RealignError, Refusal, HeaderError)


def _records(name: str) -> Target:
    def read(data: bytes, folder: Path) -> object:
        (folder / name).write_bytes(data)
        found = read_records(folder, ["p.jpg", "bad/000.png"])
        # What was read is clean, and is text.
        for record in found.records.values():
            assert "\x1b" not in json.dumps(str(record), ensure_ascii=False).encode().decode()
        return found

    return read


def _file(name: str, read: Callable[[Path], Any]) -> Target:
    def target(data: bytes, folder: Path) -> object:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        return read(folder / name)

    return target


def _index(data: bytes, folder: Path) -> object:
    """The manifest says what it wants, also the right sum of a file that is none."""
    (folder / "index.hnsw").write_bytes(b"no index")
    (folder / "manifest.json").write_bytes(data.replace(b"SUM", sha256_bytes(b"no index").encode()))
    return _load(folder, 8)


def _past(data: bytes, folder: Path) -> object:
    (folder / "index").mkdir()
    (folder / "index" / "records.jsonl").write_bytes(data)
    np.save(folder / "index" / "vectors.npy", np.eye(1, 8, dtype=np.float32))
    return load_past(folder)


def _template(data: bytes, _: Path) -> object:
    return ChatTemplate(data.decode("utf-8", "replace"), {"bos_token": "<s>"}).ask("is there a scratch?")


def _content(data: bytes, _: Path) -> object:
    kind, _between, text = data.decode("utf-8", "replace").partition("\n")
    try:
        return parse(kind, text)
    except ValueError:
        return None


def _archive(data: bytes, folder: Path) -> object:
    (folder / "m.tar").write_bytes(data)
    return inspect(TarSource(folder / "m.tar", room=2**20))


def _text(data: bytes, _: Path) -> object:
    text = clean(data.decode("utf-8", "surrogateescape"))
    text.encode("utf-8")
    assert clean(text) == text
    assert is_clean_name(text.replace("\n", "").replace("\t", ""))
    return text


TARGETS: dict[str, Target] = {
    "photo": lambda data, _: decode(data, 1_000_000),
    "text": _text,
    "note": lambda data, _: find_findings(data.decode("utf-8", "replace"), _GLOSSARY),
    "records_csv": _records("records.csv"),
    "records_jsonl": _records("records.jsonl"),
    "sidecar_json": _records("p.json"),
    "sidecar_txt": _records("p.txt"),
    "conversations": _records("all.json"),
    "glossary": _file("glossary.toml", load_glossary),
    "rules": _file("rules.toml", load_rules),
    "align_config": _file("c.toml", lambda p: load_config(AlignConfig, p)),
    "appliance_config": _file("c.toml", lambda p: from_values(ApplianceConfig, read_toml(p), str(p))),
    "manifest": lambda data, _: parse_manifest(data),
    "signature": lambda data, folder: signer_of(b"manifest", data, folder),
    "public_key": lambda data, folder: _public(_file("k.pub", read_public)(data, folder)),
    "station": _file("station.json", lambda p: read_profile(p.parent)),
    "past": _past,
    "index": _index,
    "template": _template,
    "tokenizer": lambda data, _: check_tokenizer(data, "tokenizer.json"),
    "safetensors": lambda data, _: parse_header(data),
    "archive": _archive,
    "events": _file("events.jsonl", lambda p: (list(read_events(p)), list(newest_events(p)))),
    "pairs": _file("pairs.jsonl", lambda p: read_pairs(p, [])),
    "content": _content,
    "backup": _file("20260101T000000Z/manifest.json", lambda p: known_backups(p.parent.parent)),
}


def _public(key: Any) -> object:
    assert isinstance(key, PublicKey)
    return key.line


def attack(name: str, data: bytes) -> None:
    """One input for one target.

    Raises:
        Exception: a finding.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        try:
            TARGETS[name](data, Path(folder))
        except REFUSALS as refusal:
            # Whatever is refused is refused in words that can be shown.
            str(refusal).encode("utf-8", "backslashreplace")
