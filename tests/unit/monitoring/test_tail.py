"""Following a file through everything that can befall it."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from realign_edge.monitoring import middle
from realign_edge.monitoring.tail import Tail


def line(n: int, kind: str = "step") -> str:
    return json.dumps({"time": float(n), "type": kind, "step": n}) + "\n"


def steps(tail: Tail) -> list[int]:
    return [e["step"] for e in tail.read().events]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_each_event_comes_once_and_a_torn_line_when_it_is_whole(path: Path) -> None:
    path.write_text(line(1) + line(2)[:10])
    tail = Tail(path)
    assert (steps(tail), steps(tail)) == ([1], [])
    path.write_text(line(1) + line(2) + line(3))
    assert (steps(tail), steps(tail)) == ([2, 3], [])
    assert tail.unreadable == 0


def test_a_torn_line_that_is_cut_off_is_forgotten(path: Path) -> None:
    """What the next process on the run does with it (runs/events.py)."""
    path.write_text(line(1) + line(2)[:10])
    tail = Tail(path)
    assert steps(tail) == [1]
    path.write_text(line(1))
    assert (tail.read().trouble, steps(tail)) == ("", [])
    path.write_text(line(1) + line(5))
    assert steps(tail) == [5]


def test_a_file_that_is_not_there_yet_goes_and_comes_back(path: Path) -> None:
    tail = Tail(path)
    assert tail.read().trouble == "missing"
    path.write_text(line(1))
    assert steps(tail) == [1]
    path.unlink()
    assert tail.read().trouble == "missing"
    path.write_text(line(1) + line(2))
    read = tail.read()
    assert (read.trouble, read.anew) in (("replaced", True), ("", False))
    assert [e["step"] for e in read.events][-1] == 2


def test_a_shorter_and_a_replaced_file_are_read_from_their_beginning(path: Path, tmp_path: Path) -> None:
    tail = Tail(path)
    path.write_text(line(1) + line(2) + line(3))
    assert steps(tail) == [1, 2, 3]
    path.write_text(line(7))
    read = tail.read()
    assert (read.trouble, read.anew, [e["step"] for e in read.events]) == ("shorter", True, [7])
    other = tmp_path / "other"
    other.write_text(line(8) + line(9) + line(10))
    other.replace(path)
    read = tail.read()
    assert (read.trouble, read.anew, [e["step"] for e in read.events]) == ("replaced", True, [8, 9, 10])
    # In place, of the same length and more.
    path.write_text(line(4) + line(5) + line(60) + line(70))
    assert [e["step"] for e in tail.read().events] == [4, 5, 60, 70]


def test_what_is_no_event_is_counted_and_passed_over(path: Path) -> None:
    junk = b"\xff\xfe\x00\n[1]\n" + b"[" * 100_000 + b"\n\n"
    path.write_bytes(line(1).encode() + junk + line(2).encode())
    tail = Tail(path)
    assert steps(tail) == [1, 2]
    assert tail.unreadable == 3


def test_a_line_without_an_end_is_not_waited_for(path: Path) -> None:
    path.write_bytes(b"x" * (3 * 2**20))
    tail = Tail(path)
    for _ in range(4):
        assert tail.read().events == []
    with path.open("a") as file:
        file.write("\n" + line(9))
    assert steps(tail) == [9]
    assert tail.unreadable >= 1


def test_a_folder_in_its_place_is_told(path: Path) -> None:
    path.mkdir()
    read = Tail(path).read()
    assert read.trouble == "unreadable"
    assert read.reason


def test_a_later_reading_is_bounded_and_catches_up(path: Path) -> None:
    path.write_text("")
    tail = Tail(path, refresh=1000)
    assert steps(tail) == []
    path.write_text(line(0))
    assert steps(tail) == [0]
    with path.open("a") as file:
        file.writelines(line(n) for n in range(1, 101))
    found = [steps(tail) for _ in range(12)]
    assert max(map(len, found)) <= 1000 // len(line(1)) + 1
    assert [n for part in found for n in part] == list(range(1, 101))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_HEAD", 2000), ("_TAIL", 3000), ("_SAMPLES", 20), ("_SAMPLE_BYTES", 400), ("_CHUNK", 5000)):
        monkeypatch.setattr(middle, name, value)


def test_of_a_long_file_the_ends_samples_and_everything_rare_are_read(path: Path, small_blocks: None) -> None:
    rare = {1500: "warning", 2500: "sample", 3999: "stage"}
    path.write_text("".join(line(n, rare.get(n, "step")) for n in range(5000)) + line(5000)[:9])
    tail = Tail(path, opening=50_000)
    read = tail.read()
    found = [e["step"] for e in read.events]
    assert (read.sampled, read.behind) == (True, 0.0)
    assert found[:3] == [0, 1, 2]
    assert {4997, 4998, 4999} <= set(found)
    assert {e["step"]: e["type"] for e in read.events if e["type"] != "step"} == rare
    assert len(set(found)) == len(found) < 600
    gaps = sorted(found)
    assert max(b - a for a, b in pairwise(gaps)) < 400
    with path.open("a") as file:
        file.write(line(5000)[9:] + line(5001))
    assert steps(tail) == [5000, 5001]


def test_the_search_goes_on_where_its_time_ran_out(
    path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("".join(line(n, "warning" if n == 3000 else "step") for n in range(5000)))
    monkeypatch.setattr("realign_edge.monitoring.tail._SEARCH_S", 0.0)
    tail = Tail(path, opening=50_000)
    read = tail.read(0.0)
    assert read.behind > 0.5
    assert not any(e["type"] == "warning" for e in read.events)
    more = tail.read(5.0)
    assert (more.behind, [e["step"] for e in more.events]) == (0.0, [3000])


def test_a_reader_that_was_asleep_for_long_samples_what_it_missed(path: Path, small_blocks: None) -> None:
    path.write_text(line(0))
    tail = Tail(path, opening=50_000)
    assert steps(tail) == [0]
    with path.open("a") as file:
        file.writelines(line(n) for n in range(1, 5000))
    read = tail.read()
    assert read.sampled
    assert not read.anew
    assert len(read.events) < 600
    assert read.events[-1]["step"] == 4999
