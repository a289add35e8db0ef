"""Rows are safe, in order and findable; two writers at once, a full disk and a shortened file do no harm."""

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realign_edge.errors import MissingError, RealignError, UsageError
from realign_edge.results.content import canonical
from realign_edge.results.head import Head, read_head
from realign_edge.results.model import Refused
from realign_edge.results.query import Query
from realign_edge.results.store import Results

WRITER = """
import sys
from pathlib import Path
from realign_edge.results.model import Refused
from realign_edge.results.store import Results
with Results.open(Path(sys.argv[1]), station=sys.argv[2]) as results:
    if len(sys.argv) > 5:
        print("ready", flush=True)
        sys.stdin.readline()
    for i in range(int(sys.argv[3])):
        results.append(Refused(f"{i}.jpg", "x" * int(sys.argv[4]), "2026-04-01T00:00:00+00:00", ""))
        print(results.head().entries, flush=True)
"""


def writer(home: Path, station: str, rows: int, size: int = 10, *words: str, **more: Any) -> "subprocess.Popen[str]":
    """words: any, and it waits for a line before its first row."""
    words = (sys.executable, "-c", WRITER, str(home), station, str(rows), str(size), *words)
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def numbers(results: Results, **wanted: Any) -> list[int]:
    return [e.number for e in results.entries(query=Query(**wanted))]


def test_rows_come_back_in_order_with_the_station_that_wrote_them(filled: Path) -> None:
    with Results.read(filled) as results:
        found = list(results.entries())
        assert [type(e.content).__name__ for e in found] == [
            *["Inspection"] * 3,
            "Refused",
            "Inspection",
            "Disposition",
        ]
        assert [e.number for e in found] == [1, 2, 3, 4, 5, 6]
        assert [e.previous for e in found] == ["", *[e.hash for e in found[:-1]]]
        assert {getattr(e.content, "station", "S1") for e in found} == {"S1"}
        assert results.head() == Head(6, found[-1].hash) == read_head(filled / "results.sqlite")
        assert results.verify() == []


def test_results_are_opened_for_power_cuts(home: Path) -> None:
    with Results.open(home) as results:
        assert results._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert results._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"verdict": "FAIL"}, [2]),
        ({"lot": "L1"}, [1, 3, 5]),
        ({"review": True}, [3]),
        ({"kind": "inspection", "newest": 2}, [3, 5]),
        ({"since": "2026-04-01T08:00:03+00:00", "until": "2026-04-01T08:00:05+00:00"}, [3, 4]),
        ({"since": "2026-04-02T00:00:00+00:00"}, [6]),
        ({"bundle_id": "another"}, []),
    ],
)
def test_queries(filled: Path, wanted: dict[str, Any], found: list[int]) -> None:
    with Results.read(filled) as results:
        assert numbers(results, **wanted) == found


def test_the_queue_empties_with_a_decision_and_with_a_newer_inspection(
    home: Path, inspection: Callable[..., Any], decided: Callable[..., Any]
) -> None:
    with Results.open(home) as results:
        for i in (1, 2):
            results.append(inspection(i, "REVIEW"))
        assert numbers(results, review=True) == [1, 2]
        results.append(decided(1, "agree", verdict="PASS"))
        assert numbers(results, review=True) == [2]
        results.append(replace(inspection(2, "REVIEW"), bundle_id="bundle-2"))
        assert numbers(results, review=True) == [4]
        results.append(replace(decided(4, "retake"), sha256=f"{2:064x}"))
        assert numbers(results, review=True) == []
        assert [e.number for e in results.decisions(1)] == [3]


def test_a_photo_has_one_inspection_and_one_refusal_under_each_name(home: Path, inspection: Callable[..., Any]) -> None:
    bad = Refused("a.jpg", "the file ends early", "2026-04-01T00:00:00+00:00", "f" * 64)
    closed = Refused("b.jpg", "no permission to read the file", "2026-04-01T00:00:00+00:00")
    with Results.open(home) as results:
        first, new = results.append_new(inspection(1))
        assert new
        assert results.append_new(replace(inspection(1), name="copy.jpg", bundle_id="later")) == (first, False)
        assert [results.append_new(r)[1] for r in (bad, bad, replace(bad, name="c.jpg"), closed, closed)] == [
            True,
            False,
            True,
            True,
            False,
        ]
        assert results.inspected(f"{1:064x}") == results.inspected(f"{1:064x}", "bundle-1") == first
        assert results.inspected(f"{1:064x}", "later") is None


def test_two_writers_at_once_make_one_chain(home: Path) -> None:
    both = [writer(home, station, 60, 10, "told", stdin=subprocess.PIPE) for station in ("A", "B")]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in both:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    with Results.read(home) as results:
        found = list(results.entries())
        assert results.verify() == []
        assert [e.number for e in found] == list(range(1, 121))
        # Else they did not write at the same time, and nothing was tested.
        stations = [e.content.station for e in found if isinstance(e.content, Refused)]
        assert stations not in (["A"] * 60 + ["B"] * 60, ["B"] * 60 + ["A"] * 60)
        assert read_head(home / "results.sqlite") == results.head()


def test_a_killed_writer_leaves_whole_rows(home: Path) -> None:
    for _ in range(2):
        process = writer(home, "A", 10_000)
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(5)]
        process.kill()
        process.wait()
        with Results.read(home) as results:
            assert results.verify() == []
            assert results.head().entries >= told[-1]


def test_a_full_disk_is_one_clear_message_and_tears_nothing(home: Path) -> None:
    limit = 400_000

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = writer(home, "A", 100, 20_000, preexec_fn=bounded)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "RealignError" in errors
    assert "make room on the disk" in errors or "cannot be written" in errors
    told = int(out.split()[-1])
    with Results.open(home) as results:
        assert results.verify() == []
        assert results.head().entries == told
        results.append(Refused("after.jpg", "x", "2026-04-01T00:00:00+00:00"))
        assert results.verify() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_told(home: Path) -> None:
    home.chmod(0o500)
    with pytest.raises(MissingError, match="cannot be used as the results"):
        Results.open(home)


def test_a_shortened_file_takes_no_more_rows(filled: Path, inspection: Callable[..., Any]) -> None:
    with closing(sqlite3.connect(filled / "results.sqlite")) as db:
        db.executescript("DROP TRIGGER entries_never_go; DELETE FROM entries WHERE number > 4")
    with Results.open(filled) as results:
        with pytest.raises(RealignError, match="it had 6 rows") as told:
            results.append(inspection(9))
        assert "realign-edge maintain restore latest" in told.value.hint
        assert results.head().entries == 4


def test_a_deleted_file_is_not_begun_anew_in_silence(filled: Path, inspection: Callable[..., Any]) -> None:
    for file in filled.glob("results.sqlite*"):
        file.unlink()
    with Results.open(filled) as results, pytest.raises(RealignError, match="it had 6 rows"):
        results.append(inspection(9))


def test_a_head_that_is_behind_is_made_good(filled: Path, inspection: Callable[..., Any]) -> None:
    before = (filled / "results.head").read_bytes()
    with Results.open(filled) as results:
        results.append(inspection(9))
        (filled / "results.head").write_bytes(before)
        assert results.verify() == []
        entry = results.append(inspection(10))
        assert read_head(results.path) == Head(8, entry.hash)


def test_rows_that_nobody_told_the_head_of_are_named(filled: Path, inspection: Callable[..., Any]) -> None:
    before = (filled / "results.head").read_bytes()
    with Results.open(filled) as results:
        results.append(inspection(9))
        results.append(inspection(10))
        (filled / "results.head").write_bytes(before)
        assert "some were not written by a station" in results.verify()[0].what


def test_a_backup_is_whole_single_and_read_only_where_it_lies(
    filled: Path, tmp_path: Path, inspection: Callable[..., Any]
) -> None:
    target = tmp_path / "backup.sqlite"
    with Results.open(filled) as results:
        head = results.backup(target)
        results.append(inspection(9))
        with pytest.raises(UsageError, match="is there already"):
            results.backup(target)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["backup.head", "backup.sqlite"]
    with Results.read(target) as copy:
        assert (copy.head(), copy.verify(head), len(list(copy.entries()))) == (head, [], 6)
        with pytest.raises(MissingError):
            copy.append(inspection(9))


def test_other_files_are_refused_in_words(home: Path) -> None:
    with pytest.raises(MissingError, match="no results at"):
        Results.read(home)
    (home / "results.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(MissingError, match="cannot be used as the results of a station"):
        Results.read(home)
    (home / "results.sqlite").unlink()
    with closing(sqlite3.connect(home / "results.sqlite")) as db:
        db.execute("CREATE TABLE theirs (x)")
    for opened in (Results.open, Results.read):
        with pytest.raises(MissingError, match=r"another program|does not hold the results"):
            opened(home)


def test_a_row_of_nonsense_is_told_and_not_believed(filled: Path) -> None:
    with closing(sqlite3.connect(filled / "results.sqlite")) as db:
        db.executescript(
            "DROP TRIGGER entries_never_change; UPDATE entries SET content = '{\"what\":1}' WHERE number = 2"
        )
    with Results.read(filled) as results, pytest.raises(MissingError, match="row 2 of"):
        list(results.entries())


def test_what_cannot_be_written_as_text_is_written_as_it_can_be(home: Path, inspection: Callable[..., Any]) -> None:
    odd = replace(inspection(1), name="a\udcff.jpg", description="tab\tnul\x00", familiarity=float("nan"))
    with Results.open(home) as results:
        entry = results.append(odd)
        assert results.verify() == []
        assert (entry.content.name, entry.content.description) == ("a\ufffd.jpg", "tab\tnul\x00")  # type: ignore[union-attr]
        assert '"familiarity":null' in canonical(entry.content)


@pytest.mark.parametrize("head", [None, '{"entries": 0, "hash": ""}', '{"entries": 2, "hash": "%s"}'])
def test_a_head_that_was_taken_away_or_back_is_not_made_good_in_silence(
    home: Path, inspection: Callable[..., Any], head: str | None
) -> None:
    with Results.open(home) as results:
        hashes = [results.append(inspection(i)).hash for i in range(1, 41)]
    file = home / "results.head"
    file.unlink()
    if head is not None:
        file.write_text(head.replace("%s", hashes[1]), encoding="utf-8")
    with Results.open(home) as results, pytest.raises(RealignError, match=r"40 rows, and results.head (is|knows)"):
        results.append(inspection(41))
    with Results.read(home) as results:
        assert results.head().entries == 40
        assert "results.head" in results.verify()[0].what


def test_writers_who_were_killed_before_they_wrote_the_head_go_on(home: Path, inspection: Callable[..., Any]) -> None:
    with Results.open(home) as results:
        for i in range(1, 4):
            results.append(inspection(i))
        (home / "results.head").unlink()
        results.append(inspection(4))
        assert results.verify() == []
