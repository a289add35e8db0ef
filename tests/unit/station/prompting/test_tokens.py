"""Tokenizer files that make memory or the process end are refused in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from realign_edge.errors import MissingError, RealignError
from realign_edge.station.prompting.tokens import MOST_BYTES, check_tokenizer, panics, read_tokenizer

_TEN = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}
_REGEX = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"}
_BLANK = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}


def write(path: Path, **parts: Any) -> Path:
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}
    path.write_text(json.dumps({"version": "1.0", "added_tokens": [], "model": model, **parts}))
    return path


@pytest.mark.parametrize("part", ["normalizer", "decoder"])
def test_rules_that_lengthen_one_another_are_refused_before_they_are_loaded(part: str, tmp_path: Path) -> None:
    # Nine tens: a letter would become a thousand million, and the library ends the process.
    rules = {"type": "Sequence", "normalizers": [_TEN] * 9, "decoders": [_TEN] * 9}
    with pytest.raises(MissingError, match="more than 64 times as long"):
        read_tokenizer(write(tmp_path / "tokenizer.json", **{part: rules}))


def test_the_usual_rule_is_taken(tmp_path: Path) -> None:
    found = read_tokenizer(write(tmp_path / "t.json", normalizer={"type": "Sequence", "normalizers": [_BLANK] * 3}))
    assert found.encode("ab").ids == [0, 1]


def test_a_panic_of_the_library_is_a_refusal(tmp_path: Path) -> None:
    found = read_tokenizer(write(tmp_path / "tokenizer.json", normalizer=_REGEX))
    with pytest.raises(RealignError, match="cannot be used .*retry-limit"), panics("tokenizer.json"):
        found.encode("a" * 28 + "!")


@pytest.mark.parametrize("data", [b"[" * 100_000, b"[]", b"\xff", b'{"normalizer": ' * 5000, b"null", b""])
def test_what_is_no_tokenizer_is_refused(data: bytes) -> None:
    with pytest.raises(MissingError, match="damaged"):
        check_tokenizer(data, "tokenizer.json")


def test_a_file_of_no_known_size_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(MissingError, match="no known tokenizer"):
        read_tokenizer(path)
