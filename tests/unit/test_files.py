"""JSON and TOML from outside that no parser expects, an error of the file, not of the program; whole copies."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.appliance.upkeep.backup import known_backups
from realign_edge.bundle.errors import BundleError
from realign_edge.bundle.manifest import parse_manifest
from realign_edge.config.load import read_toml
from realign_edge.errors import MissingError, RealignError
from realign_edge.files import beside_of, copy_atomic, from_json, made_beside, write_atomic, write_json
from realign_edge.glossary.load import load_glossary
from realign_edge.modelstore.header import HeaderError, parse_header
from realign_edge.modelstore.manifest import read_manifest
from realign_edge.photos.records import read_records
from realign_edge.preferences.files import read_pairs
from realign_edge.results.head import read_head
from realign_edge.runs.events import read_events

DEEP = {"lists": "[" * 100_000, "objects": '{"a":' * 100_000, "both": '[{"a":' * 50_000}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_json_is_a_damaged_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="nested too deep|delimiter|value|property"):
        from_json(text)
    with pytest.raises(BundleError, match="is damaged"):
        parse_manifest(text.encode())
    with pytest.raises(HeaderError):
        parse_header(len(text).to_bytes(8, "little") + text.encode())
    with pytest.raises(RealignError):
        read_manifest(tmp_path)
    path.with_suffix(".head").write_text(text)
    with pytest.raises(MissingError, match="is damaged"):
        read_head(path)
    (tmp_path / "20260101T000000Z").mkdir()
    path.rename(tmp_path / "20260101T000000Z" / "manifest.json")
    assert known_backups(tmp_path) == []


@pytest.mark.parametrize("name", ["records.jsonl", "p.json", "all.json"])
@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_records_are_passed_over(text: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(b"")
    (tmp_path / name).write_text(text)
    found = read_records(tmp_path, ["p.jpg"])
    assert found.records == {}
    assert found.problems


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_lines_are_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(text + '\n{"event": "step"}\n')
    assert [e["event"] for e in read_events(tmp_path / "events.jsonl")] == ["step"]
    (tmp_path / "pairs.jsonl").write_text('{"image": "x"}\n' + text + "\n")
    pairs, problems = read_pairs(tmp_path / "pairs.jsonl", [])
    assert (len(pairs), len(problems)) == (0, 2)


TOML = {"deep": "a = " + "[" * 5000, "tables": "[" + ".".join("a" * 5000) + "]\na = 1", "digits": "a = " + "9" * 5000,
        "binary": "a = \0", "keys": ".".join("a" * 5000) + " = 1"}  # fmt: skip


@pytest.mark.parametrize("read", [load_glossary, read_toml])
@pytest.mark.parametrize("text", TOML.values(), ids=TOML)
def test_odd_toml_is_a_mistake_in_the_file(read: Callable[[Path], Any], text: str, tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text(text)
    try:
        read(path)
    except RealignError as problem:
        assert str(path) in problem.message
        assert len(problem.message) < 2000


def test_copy_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"whole")

    def full(_read: Any, beside: Any, _length: int) -> None:
        beside.write(b"wh")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(shutil, "copyfileobj", full)
        with pytest.raises(OSError, match="No space left") as told:
            copy_atomic(source, target)
    assert told.value.filename == str(target)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    copy_atomic(source, target)
    assert target.read_bytes() == b"whole"


def test_a_folder_made_beside_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with made_beside(tmp_path / ".made.tmp") as beside:
        (beside / "a").write_text("1")
        beside.rename(tmp_path / "made")
    assert [p.name for p in tmp_path.rglob("*")] == ["made", "a"]
    for failure in (RuntimeError("No space left on device (os error 28)"), OSError(errno.ENOSPC, "No space left")):
        with pytest.raises(OSError, match="No space left") as told, made_beside(tmp_path / ".more.tmp") as beside:
            (beside / "half").write_text("1")
            raise failure
        assert told.value.filename == str(tmp_path / ".more.tmp")
    with pytest.raises(RuntimeError, match="other"), made_beside(tmp_path / ".more.tmp"):
        raise RuntimeError("other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made"]


@pytest.mark.parametrize(
    "write", [lambda place: write_atomic(place, "new"), lambda place: copy_atomic(Path(__file__), place)]
)
def test_a_link_that_waits_beside_is_never_written_through(write: Callable[[Path], None], tmp_path: Path) -> None:
    """Whoever may write to the folder knows the name: a process number is no secret."""
    victim, place = tmp_path / "results.sqlite", tmp_path / "shared" / "a.jpg.txt"
    victim.write_text("verdicts")
    place.parent.mkdir()
    beside_of(place).symlink_to(victim)
    write(place)
    assert victim.read_text() == "verdicts" and not place.is_symlink() and place.is_file()
    assert list(place.parent.iterdir()) == [place]


def test_the_longest_name_that_there_is_can_be_written(tmp_path: Path) -> None:
    place = tmp_path / ("\u5de5" * 84 + ".sh")
    assert len(os.fsencode(place.name)) == 255
    write_atomic(place, "a")
    copy_atomic(place, place)
    assert place.read_text() == "a" and list(tmp_path.iterdir()) == [place]


def test_folder_whose_name_is_no_text_can_stand_in_a_json_file(tmp_path: Path) -> None:
    name = os.fsdecode(b"/in\xff/") + "工"
    write_json(tmp_path / "status.json", {"folder": name})
    text = (tmp_path / "status.json").read_text(encoding="utf-8")
    assert "/in\\udcff/工" in text and from_json(text) == {"folder": name}
