"""When a file is ready to be looked into: left alone, renamed in, or given time."""

import os
from pathlib import Path

import pytest

from realign_edge.station.watching.intake import FolderGone, Intake


class Time:
    """A clock that the test turns; files have the real time, so that it begins there."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def intake(tmp_path: Path, clock: Time) -> Intake:
    """Looks at a folder whose files have just been written, as far as their own times say."""
    return Intake(tmp_path, (tmp_path / "done",), 1.0, clock, lambda: 0.0)


def write(path: Path, data: bytes = b"x", mtime_ns: int | None = None) -> Path:
    """A file whose last write is the last thing that happened to it, unless another time is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)
    if mtime_ns is not None:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def names(intake: Intake) -> list[str]:
    return [f.name for f in intake.look()]


def test_a_file_that_is_still_written_waits_until_it_is_left_alone(tmp_path: Path, intake: Intake, clock: Time) -> None:
    path = write(tmp_path / "a.jpg")
    assert names(intake) == []
    for _ in range(3):
        clock.now += 0.7
        write(path)
        assert names(intake) == []
    clock.now += 0.9
    assert names(intake) == []
    clock.now += 0.1
    assert names(intake) == ["a.jpg"]
    assert intake.waiting == 1


def test_a_file_that_was_renamed_into_the_folder_is_due_at_once(tmp_path: Path, intake: Intake) -> None:
    beside = write(tmp_path / ".a.jpg.part")
    # The file system's clock may stand still for some milliseconds.
    while beside.stat().st_ctime_ns == beside.stat().st_mtime_ns:
        beside.rename(tmp_path / ".b.part")
        (tmp_path / ".b.part").rename(beside)
    beside.rename(tmp_path / "a.jpg")
    assert names(intake) == ["a.jpg"]


def test_an_old_file_is_due_at_once(tmp_path: Path, clock: Time) -> None:
    path = write(tmp_path / "a.jpg")
    facts = path.stat()
    later = max(facts.st_mtime, facts.st_ctime) + 1.5
    assert names(Intake(tmp_path, (), 1.0, clock, lambda: later)) == ["a.jpg"]


def test_what_is_dealt_with_rests_until_it_changes(tmp_path: Path, intake: Intake, clock: Time) -> None:
    path = write(tmp_path / "a.jpg")
    intake.look()
    clock.now += 1
    (found,) = intake.look()
    intake.finish(found)
    clock.now += 100
    assert names(intake) == []
    assert intake.waiting == 0
    write(path)
    assert names(intake) == []
    clock.now += 1
    assert names(intake) == ["a.jpg"]


def test_what_is_put_off_comes_back_later_and_later(tmp_path: Path, intake: Intake, clock: Time) -> None:
    write(tmp_path / "a.jpg")
    intake.look()
    clock.now += 1
    waits = []
    for _ in range(9):
        (found,) = intake.look()
        intake.put_off(found)
        began = clock.now
        while not intake.look():
            clock.now += 0.5
        waits.append(clock.now - began)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_oldest_comes_first_and_what_is_no_photo_is_passed_over(
    tmp_path: Path, intake: Intake, clock: Time
) -> None:
    for name, age in (("sub/b.PNG", 3), ("a.jpg", 1), ("c.heic", 2), ("x.txt", 0), (".hidden.jpg", 0), ("n.nef", 4)):
        write(tmp_path / name, mtime_ns=10**18 - age * 10**9)
    write(tmp_path / "done" / "old.jpg")
    write(tmp_path / ".cache" / "t.jpg")
    intake.look()
    clock.now += 1
    found = intake.look()
    assert [f.name for f in found] == ["n.nef", "sub/b.PNG", "c.heic", "a.jpg"]
    assert [bool(f.reason) for f in found] == [True, False, False, False]


def test_a_name_that_is_no_text_is_shown_and_refused(tmp_path: Path, intake: Intake, clock: Time) -> None:
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\x1b.jpg")))
    intake.look()
    clock.now += 1
    (found,) = intake.look()
    assert found.name == "a\\udcff\\x1b.jpg"
    assert "no text" in found.reason
    assert found.path.exists()


def test_a_folder_that_is_gone_is_told_and_what_was_known_stays(tmp_path: Path, intake: Intake, clock: Time) -> None:
    write(tmp_path / "a.jpg")
    intake.look()
    clock.now += 1
    (found,) = intake.look()
    intake.finish(found)
    away = tmp_path.with_name("away")
    tmp_path.rename(away)
    with pytest.raises(FolderGone):
        intake.look()
    away.rename(tmp_path)
    assert names(intake) == []
