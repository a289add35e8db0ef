"""A row and the head that names it: both or neither, and a stop between the two is put right by whoever comes next."""

import errno
import fcntl
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from realign_edge.cli.main import app
from realign_edge.errors import RealignError
from realign_edge.results import head as heads
from realign_edge.results.head import Head, read_head
from realign_edge.results.model import Inspection
from realign_edge.results.store import Results


@pytest.fixture
def stopped(filled: Path, inspection: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose last writer was stopped between row 7 and its head."""
    with Results.open(filled) as results, monkeypatch.context() as patched:
        patched.setattr(Path, "replace", _refused)
        results.append(inspection(7))
    assert not list(filled.glob(".*.tmp"))
    assert read_head(filled / "results.sqlite") == Head(6, _hash(filled, 6))
    return filled


def _refused(*_: Any) -> None:
    raise OSError(errno.EIO, "as if the power had gone")


def _hash(home: Path, number: int) -> str:
    with closing(sqlite3.connect(home / "results.sqlite")) as db:
        return str(db.execute("SELECT hash FROM entries WHERE number = ?", (number,)).fetchone()[0])


def cut(home: Path, number: int) -> None:
    """Take rows off the end, as somebody does who may write to the file."""
    with closing(sqlite3.connect(home / "results.sqlite")) as db:
        db.executescript(f"DROP TRIGGER entries_never_go; DELETE FROM entries WHERE number >= {number}")


def test_a_stop_between_row_and_head_is_put_right_by_the_next_who_opens(stopped: Path) -> None:
    with Results.read(stopped) as results:
        assert (results.behind(), results.verify()) == (1, [])
    Results.open(stopped).close()
    assert read_head(stopped / "results.sqlite") == Head(7, _hash(stopped, 7))
    with Results.read(stopped) as results:
        assert results.behind() == 0


def test_the_command_says_that_the_newest_row_is_not_secured(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALIGN_EDGE_HOME", str(stopped))
    asked = CliRunner().invoke(app, ["results", "verify"])
    assert (asked.exit_code, asked.stdout.splitlines()[0][:13]) == (0, "whole: 7 rows")
    assert "results.head does not know the newest row yet" in asked.output
    assert json.loads(CliRunner().invoke(app, ["results", "verify", "--json"]).stdout)["head_behind"] == 1
    Results.open(stopped).close()
    assert "results.head" not in CliRunner().invoke(app, ["results", "verify"]).output


def test_the_newest_row_cut_off_after_that_is_noticed(stopped: Path, inspection: Callable[..., Any]) -> None:
    Results.open(stopped).close()
    cut(stopped, 7)
    with Results.open(stopped) as results:
        assert "missing at the end" in "".join(p.what for p in results.verify())
        with pytest.raises(RealignError, match="it had 7 rows"):
            results.append(inspection(8))
    assert read_head(stopped / "results.sqlite") != Head(6, _hash(stopped, 6))


@pytest.mark.parametrize("values", ["hash = 'ab'", "previous = 'ab'", "content = '{}'"])
def test_a_row_that_is_not_the_next_of_the_chain_gets_no_head(stopped: Path, values: str) -> None:
    with closing(sqlite3.connect(stopped / "results.sqlite")) as db:
        db.executescript(f"DROP TRIGGER entries_never_change; UPDATE entries SET {values} WHERE number = 7")
    with Results.open(stopped) as results:
        assert read_head(results.path) == Head(6, _hash(stopped, 6))
        assert results.verify() != []


def test_an_opening_leaves_a_head_alone_that_is_further_behind(stopped: Path, inspection: Callable[..., Any]) -> None:
    before = (stopped / "results.head").read_bytes()
    with Results.open(stopped) as results:
        results.append(inspection(8))
        (stopped / "results.head").write_bytes(before)
    with Results.open(stopped) as results:
        assert (stopped / "results.head").read_bytes() == before
        assert "some were not written by a station" in results.verify()[0].what


@pytest.mark.parametrize("rows", [0, 3])
def test_without_room_for_the_head_there_is_no_row(
    home: Path, inspection: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    def full(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with Results.open(home) as results:
        for number in range(1, rows + 1):
            results.append(inspection(number))
        with monkeypatch.context() as patched:
            patched.setattr(heads, "write_synced", full)
            patched.setattr(heads, "write_atomic", full)
            with pytest.raises(RealignError, match="No space left") as told:
                results.append(inspection(9))
            assert "free some space" in told.value.hint
            with pytest.raises(RealignError, match="No space left"):
                results.append_new(inspection(9))
        assert (results.head().entries, results.behind(), results.verify()) == (rows, 0, [])
        assert not list(home.glob(".*.tmp"))
        results.append(inspection(9))
        assert (results.head().entries, results.behind(), results.verify()) == (rows + 1, 0, [])


def test_a_first_row_is_never_without_a_head(
    home: Path, inspection: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_the_first(path: Path, target: Path) -> None:
        if read_head(home / "results.sqlite") is not None:
            _refused()
        os.rename(path, target)  # noqa: PTH104 - Path's own is replaced here

    monkeypatch.setattr(Path, "replace", only_the_first)
    with Results.open(home) as results:
        results.append(inspection(1))
        assert read_head(results.path) == Head(0, "")
        assert (results.behind(), results.verify()) == (1, [])


def test_a_photo_that_has_its_row_needs_no_room(
    filled: Path, inspection: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "write_synced", _refused)
    with Results.open(filled) as results:
        assert results.append_new(inspection(1))[1] is False


def test_a_writer_that_hangs_is_not_waited_for_for_ever(
    filled: Path, inspection: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "_WAIT_S", 0.0)
    with (filled / "results.lock").open("a") as held, Results.open(filled) as results:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RealignError, match="in use by another realign-edge"):
            results.append(inspection(9))
        fcntl.flock(held, fcntl.LOCK_UN)
        results.append(inspection(9))


def test_what_a_killed_process_of_the_same_number_left_is_no_head(filled: Path) -> None:
    """Process numbers come again after each start of a machine."""
    left = filled / f".results.head.{os.getpid()}.tmp"
    left.write_text(json.dumps({"entries": 7, "hash": "0" * 64}))
    before = read_head(filled / "results.sqlite")
    with Results.open(filled) as results:
        known = next(e.content for e in results.entries() if isinstance(e.content, Inspection))
        assert results.append_new(known)[1] is False
    assert read_head(filled / "results.sqlite") == before
    assert not left.exists()
