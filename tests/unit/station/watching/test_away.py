"""Moved to another disk: killed in the middle it leaves nothing; where it cannot be moved it is tried again."""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from realign_edge.station.watching.away import Away
from realign_edge.station.watching.events import Event
from realign_edge.station.watching.intake import Found, Intake


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder lies on a disk of its own."""
    rename = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self.parent != Path(target).parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    (home / "watch").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"photo")
    return tmp_path / "in"


def away(folder: Path, home: Path, told: list[Event] | None = None) -> tuple[Away, Found]:
    intake = Intake(folder, settle_s=0.0)
    (found,) = intake.look()
    return Away(home, intake, (told if told is not None else []).append), found


@pytest.mark.usefixtures("far")
def test_copy_that_was_killed_is_taken_away_and_nobody_elses(
    folder: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = tmp_path / "done"
    done.mkdir()
    others = done / ".b.jpg.1.tmp"
    others.write_bytes(b"another station's")

    def killed(_photo: Any, target: Any, _length: int) -> None:
        target.write(b"pho")
        target.flush()
        os._exit(9)

    if (child := os.fork()) == 0:
        shutil.copyfileobj = killed  # type: ignore[assignment]
        putting, found = away(folder, home)
        putting.put(found, done, "d")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = done / f".a.jpg.{child}.tmp"
    assert left.read_bytes() == b"pho" and (folder / "a.jpg").exists()
    putting, found = away(folder, home)
    putting.clear()
    assert not left.exists() and others.exists()
    assert putting.put(found, done, "d") == str(done / "a.jpg")
    assert (done / "a.jpg").read_bytes() == b"photo" and not (folder / "a.jpg").exists()
    # A record of what came to its end is no harm.
    putting.clear()
    assert sorted(p.name for p in done.iterdir()) == [".b.jpg.1.tmp", "a.jpg"]


@pytest.mark.parametrize("beside", ["/etc/hostname", "a.jpg", ".a.jpg.tmp", 7, None])
def test_record_that_names_anything_else_is_passed_over(folder: Path, home: Path, beside: Any) -> None:
    if isinstance(beside, str) and not beside.startswith("/"):
        beside = str(folder / beside)
        Path(beside).touch()
    (home / "watch" / "beside.json").write_text(json.dumps({"beside": beside}))
    putting, _ = away(folder, home)
    putting.clear()
    assert Path("/etc/hostname").exists()
    assert not isinstance(beside, str) or Path(beside).exists()


def test_what_cannot_be_moved_is_told_once_and_tried_again(
    folder: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    putting, found = away(folder, home, told)
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "rename", full)
    for _ in range(2):
        assert putting.put(found, tmp_path / "done", "d") == "" and putting.is_stuck(found)
    assert [(e.kind, "No space left" in e.words) for e in told] == [("trouble", True)]
    monkeypatch.setattr(Path, "rename", rename)
    assert putting.put(found, tmp_path / "done", "d") == str(tmp_path / "done" / "a.jpg")
    assert not putting.is_stuck(found)


@pytest.mark.usefixtures("far")
def test_copy_is_never_written_through_a_link_that_waits_for_it(folder: Path, home: Path, tmp_path: Path) -> None:
    victim, done = tmp_path / "results.sqlite", tmp_path / "done"
    victim.write_bytes(b"verdicts")
    victim.chmod(0o600)
    done.mkdir()
    (done / f".a.jpg.{os.getpid()}.tmp").symlink_to(victim)
    (folder / "a.jpg").chmod(0o644)
    os.utime(folder / "a.jpg", (5, 5))
    putting, found = away(folder, home)
    assert putting.put(found, done, "d") == str(done / "a.jpg")
    assert victim.read_bytes() == b"verdicts" and victim.stat().st_mode & 0o777 == 0o600
    # The copy is what the photo was: also for those who may only read it.
    about = (done / "a.jpg").stat()
    assert (about.st_mode & 0o777, about.st_mtime, (done / "a.jpg").read_bytes()) == (0o644, 5.0, b"photo")


@pytest.mark.usefixtures("far")
def test_name_as_long_as_there_is_one_is_moved_to_another_disk(folder: Path, home: Path, tmp_path: Path) -> None:
    name = "x" * 251 + ".jpg"
    (folder / "a.jpg").rename(folder / name)
    putting, found = away(folder, home)
    assert putting.put(found, tmp_path / "done", "d") == str(tmp_path / "done" / name)
