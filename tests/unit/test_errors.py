"""What is said of a disk that has room, and can hold no further file."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from realign_edge.errors import MissingError, RealignError, explain, no_more_files
from realign_edge.photos.database import explained


@pytest.mark.parametrize(("files", "left", "few"), [(100, 0, True), (100, 1, False), (0, 0, False)])
def test_hint_says_what_is_lacking(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: int, left: int, few: bool
) -> None:
    """A file system that counts none says 0 of 0."""
    monkeypatch.setattr(os, "statvfs", lambda _place: SimpleNamespace(f_files=files, f_favail=left))
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "not" / "there"))
    _, hint = explain(full) or ("", "")
    assert ("df -i" in hint, "free some space" in hint) == (few, not few)


def test_nearest_folder_that_is_there_is_asked(tmp_path: Path) -> None:
    assert no_more_files(tmp_path / "not" / "there") is False


@pytest.mark.parametrize(("left", "kind", "words"), [(0, RealignError, "no space left"), (9, MissingError, "unable")])
def test_database_whose_log_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: int, kind: type[RealignError], words: str
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _place: SimpleNamespace(f_files=100, f_favail=left))
    problem = sqlite3.OperationalError("unable to open database file")
    problem.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
    with pytest.raises(RealignError, match=words) as told, explained(tmp_path / "catalog.sqlite"):
        raise problem
    assert type(told.value) is kind


def test_folder_that_could_not_be_copied_whole() -> None:
    told = [("a/x", "b/x", "[Errno 28] No space left on device: 'a/x' -> 'b/x'"), ("a/y", "b/y", "[Errno 28] ...")]
    failure = shutil.Error(told)
    # As `made_beside` does; what an error without a number says is then nothing of all this.
    failure.filename = "b"
    words, hint = explain(failure) or ("", "")
    assert words == "No space left on device: b/x" and hint.startswith("free some space")
