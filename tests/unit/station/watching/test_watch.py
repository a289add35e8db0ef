"""Each photo exactly once, whatever happens to its file; the inspector is made up, everything else is real."""

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from realign_edge.errors import MissingError
from realign_edge.files import sha256_bytes, sha256_file
from realign_edge.photos import regular
from realign_edge.photos.decode import decode
from realign_edge.photos.regular import Refusal
from realign_edge.results.model import Inspection, Reason, Refused
from realign_edge.results.store import Results
from realign_edge.results.thumbnails import thumbnail_path
from realign_edge.station.arriving.context import Context
from realign_edge.station.watching import watch
from realign_edge.station.watching.events import Event, WatchSettings
from realign_edge.station.watching.watch import Watcher

LIMIT_S = 30.0


@dataclass
class MadeUp:
    """Remembers what it was asked; `before` runs while a photo is in hand."""

    asked: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _name: None

    def inspect(self, photo: bytes, name: str = "", context: Context | None = None) -> Inspection:
        self.asked.append(name)
        self.before(name)
        decode(photo)
        lot = context.lot if context else ""
        about = (sha256_bytes(photo), name, "2026-04-01T08:00:00+00:00", "PASS", (Reason("r", "s"),), "d", "p", (), ())
        return Inspection(*about, 0.9, 0.9, "b", "m", 1.0, lot=lot)  # type: ignore[arg-type]


@dataclass
class Watched:
    """A watched folder, its home, and what was told."""

    folder: Path
    home: Path
    inspector: MadeUp
    told: list[Event] = field(default_factory=list)

    def run(self, until: Callable[[], bool], **settings: Any) -> None:
        """Watch until something is so."""
        deadline = time.monotonic() + LIMIT_S

        def stopping() -> bool:
            assert time.monotonic() < deadline, self.told
            return until()

        usual = {"settle_s": 0.05, "patience_s": 0.2, "every_s": 0.01, "done": self.folder / "done"}
        chosen = WatchSettings(**{**usual, "quarantine": self.folder / "quarantine", **settings})
        with Results.open(self.home, "S1") as results:
            about = lambda _path, name: Context(lot=name.rpartition("/")[2].partition("_")[0])  # noqa: E731
            watcher = Watcher(self.folder, self.home, self.inspector, results, chosen, self.told.append, about)
            watcher.run(stopping)

    def of(self, *kinds: str) -> list[str]:
        """Names of what was told of these kinds."""
        return [e.name for e in self.told if e.kind in kinds]

    def rows(self) -> list[Any]:
        with Results.read(self.home) as results:
            assert results.verify() == []
            return [e.content for e in results.entries()]

    def left(self) -> list[str]:
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file())


@pytest.fixture
def watched(tmp_path: Path, home: Path) -> Watched:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return Watched(folder, home, MadeUp())


def photo(path: Path, colour: int = 0, kind: str = "JPEG") -> bytes:
    """Another photo for each colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (colour, 255 - colour, 90)).save(path, kind)
    return path.read_bytes()


def test_photos_are_inspected_recorded_and_moved(watched: Watched) -> None:
    photo(watched.folder / "L1_a.jpg", 1)
    photo(watched.folder / "sub" / "L2_b.png", 2, "PNG")
    watched.run(lambda: len(watched.told) == 2)
    rows = watched.rows()
    assert sorted(r.name for r in rows) == ["L1_a.jpg", "sub/L2_b.png"]
    assert {r.name.rpartition("/")[2]: (r.lot, r.station) for r in rows} == {
        "L1_a.jpg": ("L1", "S1"),
        "L2_b.png": ("L2", "S1"),
    }
    assert watched.left() == ["done/L1_a.jpg", "done/sub/L2_b.png"]
    assert all(thumbnail_path(watched.home, r.sha256).stat().st_size for r in rows)
    assert (watched.home / "watch" / "status.json").read_text().count('"stopped"') == 1


def test_the_same_bytes_are_told_and_moved_but_not_inspected_again(watched: Watched) -> None:
    data = photo(watched.folder / "a.jpg", 1)
    watched.run(lambda: bool(watched.told))
    (watched.folder / "b.jpg").write_bytes(data)
    (watched.folder / "a.jpg").write_bytes(data)
    watched.run(lambda: len(watched.told) == 3)
    assert watched.inspector.asked == ["a.jpg"]
    assert (watched.of("duplicate"), watched.of("known")) == (["b.jpg"], ["a.jpg"])
    digest = sha256_bytes(data)[:8]
    assert watched.left() == sorted(["done/a.jpg", f"done/a-{digest}.jpg", "done/b.jpg"])
    assert len(watched.rows()) == 1


def test_the_same_name_with_other_bytes_is_another_photo(watched: Watched) -> None:
    photo(watched.folder / "a.jpg", 1)
    watched.run(lambda: len(watched.told) == 1)
    photo(watched.folder / "a.jpg", 2)
    watched.run(lambda: len(watched.told) == 2)
    assert len({r.sha256 for r in watched.rows()}) == 2
    assert len(watched.left()) == 2


def test_photos_that_stay_are_not_inspected_again_after_a_restart(watched: Watched) -> None:
    photo(watched.folder / "a.jpg", 1)
    watched.run(lambda: len(watched.told) == 1, done=None)
    photo(watched.folder / "b.jpg", 2)
    watched.run(lambda: len(watched.told) == 3, done=None)
    assert watched.inspector.asked == ["a.jpg", "b.jpg"]
    assert (watched.left(), watched.of("known")) == (["a.jpg", "b.jpg"], ["a.jpg"])


def test_a_copy_in_progress_waits_until_it_is_whole(watched: Watched) -> None:
    data = photo(watched.folder / "whole.jpg", 1)
    (watched.folder / "whole.jpg").unlink()
    (watched.folder / "a.jpg").write_bytes(data[: len(data) // 2])
    whole: list[int] = []

    def until() -> bool:
        if watched.of("waiting") and (watched.folder / "a.jpg").exists() and not whole:
            whole.append((watched.folder / "a.jpg").write_bytes(data))
        return bool(watched.of("inspected"))

    watched.run(until, patience_s=20.0)
    assert [type(r).__name__ for r in watched.rows()] == ["Inspection"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.jpg", b"", "the file is empty"),
        ("a.jpg", b"\xff\xd8\xff\xe0 no more", "ends early"),
        ("a.png", b"text, whatever its name says", "not an image"),
        ("a.nef", b"raw", "a camera raw file"),
        ("a.heic", b"\0\0\0\x18ftypheic", "HEIC"),
    ],
)
def test_what_is_no_photo_goes_to_quarantine_with_the_reason(
    watched: Watched, name: str, data: bytes, reason: str
) -> None:
    (watched.folder / name).write_bytes(data)
    watched.run(lambda: bool(watched.of("refused")))
    watched.run(lambda: True)
    (row,) = watched.rows()
    assert isinstance(row, Refused)
    assert reason in row.reason
    assert reason in (watched.folder / "quarantine" / f"{name}.txt").read_text(encoding="utf-8")
    assert watched.left() == [f"quarantine/{name}", f"quarantine/{name}.txt"]
    assert not watched.inspector.asked


def test_what_the_inspector_refuses_goes_to_quarantine(watched: Watched) -> None:
    def refuse(name: str) -> None:
        raise Refusal("longer than the model can see")

    watched.inspector.before = refuse
    photo(watched.folder / "a.jpg")
    watched.run(lambda: bool(watched.of("refused")))
    assert watched.rows()[0].reason == "longer than the model can see"


def test_a_file_that_vanishes_is_no_matter(watched: Watched) -> None:
    def vanish(name: str) -> None:
        (watched.folder / name).unlink()

    watched.inspector.before = vanish
    photo(watched.folder / "a.jpg")
    watched.run(lambda: bool(watched.told))
    assert (watched.of("inspected"), watched.left()) == (["a.jpg"], [])


def test_a_photo_replaced_while_it_is_inspected_is_not_moved_unseen(watched: Watched) -> None:
    def replace(name: str) -> None:
        watched.inspector.before = lambda _name: None
        photo(watched.folder / name, 200)

    watched.inspector.before = replace
    photo(watched.folder / "a.jpg", 1)
    watched.run(lambda: len(watched.of("inspected")) == 2)
    moved = {sha256_file(watched.folder / "done" / "a.jpg")}
    rows = [r.sha256 for r in watched.rows()]
    assert len(set(rows)) == 2
    assert moved == {rows[1]}


def test_a_photo_that_another_process_inspected_meanwhile_has_one_row(watched: Watched) -> None:
    def other(name: str) -> None:
        data = (watched.folder / name).read_bytes()
        with Results.open(watched.home) as results:
            results.append_new(MadeUp().inspect(data, "elsewhere.jpg"))

    watched.inspector.before = other
    photo(watched.folder / "a.jpg")
    watched.run(lambda: bool(watched.told))
    assert (watched.of("duplicate"), len(watched.rows())) == (["a.jpg"], 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_photo_without_permission_is_tried_again_and_put_on_record(watched: Watched) -> None:
    photo(watched.folder / "a.jpg")
    (watched.folder / "a.jpg").chmod(0)
    watched.run(lambda: bool(watched.of("refused")))
    (watched.folder / "a.jpg").chmod(0o600)
    watched.run(lambda: bool(watched.of("inspected")))


def test_what_cannot_be_read_is_tried_again_and_put_on_record_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = regular.read_bytes
    tries: list[Path] = []

    def closed(path: Path) -> bytes:
        tries.append(path)
        if watched.of("refused") and len(tries) > 6:
            return real(path)
        raise Refusal("no permission to read the file", passing=True)

    monkeypatch.setattr(watch, "read_bytes", closed)
    photo(watched.folder / "a.jpg")
    watched.run(lambda: bool(watched.of("inspected")))
    assert [e.kind for e in watched.told] == ["trouble", "refused", "inspected"]
    assert [type(r).__name__ for r in watched.rows()] == ["Refused", "Inspection"]


def test_a_folder_that_goes_away_is_waited_for(watched: Watched) -> None:
    away = watched.folder.with_name("away")
    steps: list[Path] = []

    def until() -> bool:
        if not steps:
            steps.append(watched.folder.rename(away))
        if watched.of("gone") and len(steps) == 1:
            photo(away / "a.jpg")
            steps.append(away.rename(watched.folder))
        return bool(watched.of("inspected"))

    watched.run(until)
    assert [e.kind for e in watched.told] == ["gone", "back", "inspected"]
    assert "waiting for it" in watched.told[0].words


def test_a_folder_that_is_not_there_at_the_start_is_an_error(watched: Watched) -> None:
    shutil.rmtree(watched.folder)
    with pytest.raises(MissingError, match="no folder at"):
        watched.run(lambda: True)


def test_a_file_that_cannot_be_moved_stays_and_is_told_once(watched: Watched) -> None:
    (watched.folder / "blocked").write_text("a file where a folder should be")
    photo(watched.folder / "a.jpg")
    rounds: list[None] = []
    watched.run(lambda: bool(rounds.append(None)) or len(rounds) > 40, done=watched.folder / "blocked")  # type: ignore[func-returns-value]
    assert (watched.of("trouble"), watched.of("inspected")) == (["a.jpg"], ["a.jpg"])
    assert len(watched.rows()) == 1


def test_a_photo_that_ends_the_program_again_and_again_comes_last(watched: Watched) -> None:
    class Crash(BaseException):
        pass

    def crash(name: str) -> None:
        if name == "bad.jpg":
            raise Crash

    watched.inspector.before = crash
    photo(watched.folder / "bad.jpg", 1)
    time.sleep(0.02)
    photo(watched.folder / "good.jpg", 2)
    # Longer than either has to be left alone: on a fast machine only the first would be due in all four runs.
    time.sleep(0.1)
    for _ in range(3):
        with pytest.raises(Crash):
            watched.run(lambda: False)
    assert watched.of("inspected") == []
    with pytest.raises(Crash):
        watched.run(lambda: False)
    assert watched.of("inspected") == ["good.jpg"]
    watched.inspector.before = lambda _name: None
    watched.run(lambda: len(watched.of("inspected")) == 2)
    assert watched.of("trouble") == ["bad.jpg", "bad.jpg"]
    assert "3 times" in watched.told[-2].words or "4 times" in watched.told[-2].words


def test_a_suspect_waits_for_a_file_that_is_still_written(watched: Watched) -> None:
    hand = watched.home / "watch" / "in-hand.json"
    hand.parent.mkdir()
    hand.write_text('{"name": "", "ended": {"bad.jpg": 3}}', encoding="utf-8")
    photo(watched.folder / "bad.jpg", 1)
    os.utime(watched.folder / "bad.jpg", (1, 1))
    photo(watched.folder / "good.jpg", 2)
    watched.run(lambda: len(watched.of("inspected")) == 2, settle_s=0.5)
    assert watched.inspector.asked == ["good.jpg", "bad.jpg"]


def test_another_active_bundle_is_taken_up(tmp_path: Path) -> None:
    from realign_edge.station.watching.current import CurrentInspector

    folders, loaded = [tmp_path / "a"], list[Path]()
    told = list[Path]()

    def load() -> MadeUp:
        loaded.append(folders[-1])
        return MadeUp()

    inspector = CurrentInspector(lambda: folders[-1], load, told.append)
    data = photo(tmp_path / "p.jpg")
    inspector.inspect(data, "p.jpg")
    folders.append(tmp_path / "b")
    inspector.inspect(data, "p.jpg")
    inspector.inspect(data, "p.jpg")
    assert (loaded, told) == ([tmp_path / "a", tmp_path / "b"], [tmp_path / "b"])


def test_a_bundle_whose_key_was_revoked_is_not_gone_on_with(tmp_path: Path, home: Path) -> None:
    from realign_edge.bundle.keys import PublicKey
    from realign_edge.bundle.trust import keys_stamp, revoke, trust, trusted_keys
    from realign_edge.station.watching.current import CurrentInspector

    key, told = PublicKey(b"k" * 32), list[Path]()
    trust(home, key)

    def load() -> MadeUp:
        if trusted_keys(home).find(key.raw) is None:
            raise MissingError("signed with a key that was revoked")
        return MadeUp()

    inspector = CurrentInspector(lambda: tmp_path, load, told.append, lambda: keys_stamp(home))
    data = photo(tmp_path / "p.jpg")
    inspector.inspect(data, "p.jpg")
    trust(home, PublicKey(b"o" * 32))
    inspector.inspect(data, "p.jpg")
    revoke(home, key.id)
    with pytest.raises(MissingError, match="revoked"):
        inspector.inspect(data, "p.jpg")
    assert told == []


def test_photo_that_could_not_be_moved_is_once_there_is_room(watched: Watched) -> None:
    photo(watched.folder / "a.jpg", 1)
    (watched.folder / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0cut off")
    done, quarantine = watched.folder / "done", watched.folder / "quarantine"
    for place in (done, quarantine):
        # In the place of a disk without room: a file, where the folder should be.
        place.write_text("")

    def moved() -> bool:
        if len(watched.of("trouble")) == 2:
            for place in (done, quarantine):
                if place.is_file():
                    place.unlink()
        return (done / "a.jpg").exists() and (quarantine / "bad.jpg").exists()

    watched.run(moved, patience_s=0.0)
    assert (watched.of("trouble"), watched.of("inspected")) == (["a.jpg", "bad.jpg"], ["a.jpg"])
    assert len(watched.rows()) == 2


def test_only_work_feeds_the_watchdog(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd hears of the loop between photos, and of nobody while a photo hangs: no thread stands in for the work."""
    said: list[tuple[str, str]] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0realign-edge-test-{os.getpid()}")
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@realign-edge-test-{os.getpid()}")

        def heard(when: str) -> None:
            with contextlib.suppress(BlockingIOError):
                while True:
                    said.append((when, manager.recv(4096).decode()))

        def hanging(_name: str) -> None:
            heard("before")
            time.sleep(0.3)
            heard("hanging")

        watched.inspector.before = hanging
        photo(watched.folder / "a.jpg")
        watched.run(lambda: bool(watched.told))
        heard("after")
    order = [(when, words.partition("\n")[0]) for when, words in said if not words.startswith("STATUS")]
    assert ("before", "READY=1") in order and ("before", "WATCHDOG=1") in order
    assert not [when for when, _ in order if when == "hanging"]
    assert ("after", "WATCHDOG=1") in order and order[-1] == ("after", "STOPPING=1")


def test_a_photo_that_ends_the_decoder_comes_last_too(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash(BaseException):
        pass

    def crash(data: bytes) -> Any:
        if data == bad:
            raise Crash
        return decode(data)

    bad = photo(watched.folder / "bad.jpg", 1)
    time.sleep(0.02)
    photo(watched.folder / "good.jpg", 2)
    time.sleep(0.1)
    monkeypatch.setattr(watch, "decode", crash)
    for _ in range(4):
        with pytest.raises(Crash):
            watched.run(lambda: False)
    assert watched.of("inspected") == ["good.jpg"]


def test_a_link_out_of_the_folder_is_not_looked_at(watched: Watched, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    photo(elsewhere / "secret.jpg", 1)
    (watched.folder / "a.jpg").symlink_to(elsewhere / "secret.jpg")
    photo(watched.folder / "real.png", 2)
    (watched.folder / "b.jpg").symlink_to(watched.folder / "real.png")
    watched.run(lambda: bool(watched.of("refused")) and len(watched.of("inspected", "duplicate")) == 2, done=None)
    assert watched.of("refused") == ["a.jpg"] and "a.jpg" not in watched.inspector.asked
    assert (watched.folder / "a.jpg").is_symlink()
