"""A results file as it grows, followed without reading anything twice."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.errors import MissingError
from realign_edge.results import follow
from realign_edge.results.follow import Follower
from realign_edge.results.model import Disposition, Inspection, Refused
from realign_edge.results.store import FILE, Results

Make = Callable[..., Inspection]
Decide = Callable[..., Disposition]


def finals(follower: Follower) -> dict[int, str]:
    return {row.number: row.final for row in follower.rows}


def test_rows_and_decisions_arrive(filled: Path, inspection: Make, decided: Decide) -> None:
    follower = Follower(filled)
    assert follower.look()
    assert finals(follower) == {1: "FAIL", 2: "FAIL", 3: "REVIEW", 4: "REFUSED", 5: "PASS"}
    assert follower.rows[0].verdict == "PASS" and follower.rows[0].said is not None and follower.last == 6
    assert not follower.look()
    with Results.open(filled) as results:
        results.append(inspection(7, "REVIEW"))
        results.append(decided(3, "retake"))
    assert follower.look()
    assert finals(follower)[3] == "RETAKE" and finals(follower)[7] == "REVIEW" and follower.last == 8
    with Results.open(filled) as results:
        results.append(decided(3, "agree", verdict="PASS"))
    assert follower.look() and finals(follower)[3] == "PASS"


def test_an_idle_file_is_not_opened(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follower, opened = Follower(filled), list[Path]()
    real = Results.read

    def counted(path: Path) -> Results:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(Results, "read", counted)
    # Reading may itself make SQLite's log; from the second look on the dates stand still.
    for _ in range(2):
        follower.look()
    opened.clear()
    for _ in range(9):
        follower.look()
    assert opened == []
    for _ in range(9):
        follower.look()
    # Dates alone are trusted for a while, not for ever.
    assert len(opened) == 1


def test_today_holds_what_waits_from_before(filled: Path, inspection: Make, decided: Decide) -> None:
    with Results.open(filled) as results:
        results.append(inspection(9, "PASS", inspected_at="2026-04-03T07:00:00+00:00"))
    follower = Follower(filled, since="2026-04-03T00:00:00+00:00")
    follower.look()
    assert finals(follower) == {3: "REVIEW", 7: "PASS"}
    with Results.open(filled) as results:
        results.append(decided(2, "agree"))
        results.append(decided(3, "agree", verdict="FAIL"))
    follower.look()
    assert finals(follower) == {3: "FAIL", 7: "PASS"}


def test_a_photo_that_is_inspected_again_stands_once(filled: Path, inspection: Make) -> None:
    follower = Follower(filled)
    follower.look()
    with Results.open(filled) as results:
        results.append(inspection(3, "PASS", bundle_id="bundle-2"))
    follower.look()
    assert 3 not in finals(follower) and finals(follower)[7] == "PASS"


def test_a_file_that_was_exchanged_is_read_anew(filled: Path, tmp_path: Path, inspection: Make) -> None:
    follower = Follower(filled)
    follower.look()
    other = tmp_path / "other"
    other.mkdir()
    with Results.open(other) as results:
        for number in range(11, 19):
            results.append(inspection(number, "FAIL"))
    for name in (f"{FILE}-wal", f"{FILE}-shm"):
        (filled / name).unlink(missing_ok=True)
    shutil.copy(other / FILE, filled / FILE)
    assert follower.look()
    assert set(finals(follower).values()) == {"FAIL"} and len(follower.rows) == 8


@pytest.mark.parametrize("kind", ["missing", "text", "foreign"])
def test_what_is_no_results_file_is_told(tmp_path: Path, kind: str) -> None:
    if kind == "text":
        (tmp_path / FILE).write_text("no database " * 400)
    if kind == "foreign":
        sqlite3.connect(tmp_path / FILE).execute("CREATE TABLE t (x)").connection.commit()
    follower = Follower(tmp_path)
    with pytest.raises(MissingError):
        follower.look()
    (tmp_path / FILE).unlink(missing_ok=True)
    with Results.open(tmp_path):
        pass
    assert follower.look() is True and follower.rows == ()


def test_a_list_that_is_open_for_months_keeps_its_size(home: Path, inspection: Make) -> None:
    with Results.open(home) as results:
        results.append(inspection(1, "REVIEW"))
        for number in range(2, 12):
            results.append(inspection(number))
        follower = Follower(home, most=10)
        follower.look()
        assert follower.cut and set(finals(follower)) == set(range(1, 12))
        for number in range(12, 40):
            results.append(inspection(number))
            follower.look()
            assert len(follower.rows) <= 14
    assert finals(follower)[1] == "REVIEW" and 39 in finals(follower)


def test_rows_that_arrive_between_its_questions_are_not_lost(
    filled: Path, inspection: Make, decided: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = Results.entries

    def late(results: Results, *given: Any, **more: Any) -> Any:
        if more["query"].kind == "disposition":
            monkeypatch.setattr(Results, "entries", real)
            with Results.open(filled) as other:
                other.append(inspection(50, "FAIL"))
                other.append(decided(3, "retake"))
        return real(results, *given, **more)

    monkeypatch.setattr(Results, "entries", late)
    follower = Follower(filled)
    follower.look()
    follower.look()
    assert finals(follower)[7] == "FAIL" and finals(follower)[3] == "RETAKE"


def test_refused_rows_say_why() -> None:
    row = follow.row_of(4, Refused("bad.jpg", "the file ends early", "2026-04-01T08:00:04+00:00"))
    assert (row.final, row.about) == ("REFUSED", "the file ends early")
