"""A folder as a collection: identity, what is read again and what is not, what is told."""

import builtins
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from realign_edge.errors import MissingError
from realign_edge.photos.catalog import Catalog, content_fingerprint
from realign_edge.photos.collection import Collection, PhotoSettings, open_collection
from realign_edge.photos.scan import list_folder, scan
from realign_edge.progress import Silent


def photo(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (shade, 255 - shade, 7)).save(path)


def opened(root: Path, **settings: Any) -> Collection:
    with Catalog(root.parent / "catalog.sqlite") as catalog:
        found = open_collection(catalog, root, PhotoSettings(**settings), Silent())
        assert catalog.refused(root) == found.refused
        assert catalog.photos(root) == found.photos
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for i in range(6):
        photo(folder / f"p{i}.png", 20 * i)
    return folder


@contextmanager
def files_opened_below(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every file below `root` that is opened, by whatever door."""
    seen: list[str] = []

    def watched(original: Any) -> Any:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if isinstance(path, str | os.PathLike) and Path(path).is_relative_to(root):
                seen.append(Path(path).name)
            return original(path, *arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for module, name in ((os, "open"), (builtins, "open")):
            patch.setattr(module, name, watched(getattr(module, name)))
        yield seen


def test_identity_is_the_content_and_a_record_may_name_the_copy(root: Path) -> None:
    (root / "copy.png").write_bytes((root / "p0.png").read_bytes())
    (root / "records.csv").write_text("photo,note,split\np0.png,a note,test\n")
    found = opened(root)
    assert (len(found.photos), found.duplicates, found.problems) == (6, 1, ())
    first = found.photos[0]
    assert (first.name, first.split) == ("copy.png", "held_out")
    assert first.record is not None
    assert first.record.note == "a note"


def test_a_second_scan_opens_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "records.csv").write_text("photo,note\np0.png,a note\ngone.png,x\n")
    (root / "p1.txt").write_text("beside")
    (root / "bad.jpg").write_bytes(b"no photo")
    with files_opened_below(root, monkeypatch) as seen:
        first = opened(root)
    assert set(seen) == {"bad.jpg", *(f"p{i}.png" for i in range(6)), "p1.txt", "records.csv"}
    with files_opened_below(root, monkeypatch) as seen:
        second = opened(root)
    assert seen == []
    assert (first.rescanned, second.rescanned) == (True, False)
    assert (second.photos, second.refused, second.problems) == (first.photos, first.refused, first.problems)
    assert (second.split_note, second.duplicates) == (first.split_note, first.duplicates)


def test_only_what_is_new_is_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(root)
    photo(root / "new.png", 200)
    with files_opened_below(root, monkeypatch) as seen:
        assert len(opened(root).photos) == 7
    assert seen == ["new.png"]
    (root / "new.png").unlink()
    with files_opened_below(root, monkeypatch) as seen:
        assert len(opened(root).photos) == 6
    assert seen == []
    (root / "p3.txt").write_text("a late note")
    with files_opened_below(root, monkeypatch) as seen:
        changed = opened(root)
    assert seen == ["p3.txt"]
    assert changed.rescanned


def test_an_edited_table_of_the_same_length_is_read_again(root: Path) -> None:
    (root / "records.csv").write_text("photo,note\np0.png,a\n")
    os.utime(root / "records.csv", ns=(1, 1))
    opened(root)
    (root / "records.csv").write_text("photo,note\np0.png,b\n")
    record = opened(root).photos[0].record
    assert record is not None
    assert record.note == "b"


def test_an_interrupted_scan_keeps_what_it_has_read(tmp_path: Path) -> None:
    root = tmp_path / "many"
    for i in range(300):
        photo(root / f"{i:03d}.bmp", i % 250)

    class Stops(Silent):
        def advance(self, done: int) -> None:
            if done == 280:
                raise KeyboardInterrupt

    kept: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        scan(root, list_folder(root), {}, Stops(), remember=lambda files: kept.extend(f.name for f in files))
    assert kept == [f"{i:03d}.bmp" for i in range(256)]


def test_touching_a_photo_reads_it_but_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = opened(root)
    os.utime(root / "p2.png", ns=(1, 1))
    with files_opened_below(root, monkeypatch) as seen:
        after = opened(root)
    assert seen == ["p2.png"]
    assert (after.photos, after.rescanned) == (before.photos, False)
    with files_opened_below(root, monkeypatch) as seen:
        opened(root)
    assert seen == []


def test_another_pixel_limit_looks_again(root: Path) -> None:
    Image.new("RGB", (100, 100)).save(root / "large.png")
    assert [r.name for r in opened(root, max_pixels=5000).refused] == ["large.png"]
    assert opened(root).refused == ()
    assert len(opened(root, max_pixels=5000).refused) == 1


def test_a_refusal_that_may_pass_is_not_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.open

    def denied(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).name == "p1.png":
            raise PermissionError(13, "Permission denied")
        return original(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", denied)
        assert [(r.name, r.reason) for r in opened(root).refused] == [("p1.png", "no permission to read the file")]
    assert opened(root).refused == ()


def test_a_folder_one_may_not_list_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(root / "closed" / "a.png", 3)
    original = os.scandir

    def denied(path: Any = ".") -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", denied)
        found = opened(root)
    assert [(r.name, r.reason) for r in found.refused] == [
        ("closed/", "the folder cannot be listed (Permission denied)")
    ]
    assert len(opened(root).photos) == 7


def test_what_is_no_photo_by_name_is_passed_over(root: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "glossary.toml", "readme.txt", ".hidden.png", "notes.pdf", "records.jsonl"):
        (root / name).write_bytes(b"{}")
    photo(root / ".trash" / "a.png", 9)
    photo(root / "bottle" / "ground_truth" / "bent" / "000_mask.png", 11)
    (root / "photo.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(20))
    (root / "shot.nef").write_bytes(b"II*\x00")
    found = opened(root)
    assert len(found.photos) == 6
    assert [(r.name, r.reason.split(";")[0]) for r in found.refused] == [
        ("photo.heic", "a HEIC image"),
        ("shot.nef", "a camera raw file"),
    ]
    assert any("1 ground-truth masks" in p for p in found.problems)


def test_links_inside_are_followed_and_links_outside_and_to_folders_are_not(root: Path, tmp_path: Path) -> None:
    photo(tmp_path / "elsewhere" / "x.png", 99)
    photo(root / "sub" / "y.png", 98)
    (root / "inside.png").symlink_to("sub/y.png")
    (root / "outside.png").symlink_to(tmp_path / "elsewhere" / "x.png")
    (root / "round").symlink_to(root)
    (root / "sub" / "up").symlink_to("..")
    found = opened(root)
    assert (len(found.photos), found.duplicates) == (7, 1)
    assert [(r.name, r.reason) for r in found.refused] == [("outside.png", "a link to a file outside the photo folder")]
    assert any("2 linked folders are not followed (first: round)" in p for p in found.problems)


def test_names_that_are_no_text_are_refused_in_escapes(root: Path) -> None:
    data = (root / "p0.png").read_bytes()
    Path(os.fsdecode(os.fsencode(root) + b"/\x8f\x9d.png")).write_bytes(data + b"1")
    (root / "a\x1b[2Jb\n.png").write_bytes(data + b"2")
    (root / "写真 ü.png").write_bytes(data + b"3")
    found = opened(root)
    assert [r.name for r in found.refused] == ["\\udc8f\\udc9d.png", "a\\x1b[2Jb\\n.png"]
    assert "写真 ü.png" in [p.name for p in found.photos]
    assert list_folder(root).photos == sorted(p.name for p in found.photos)


def test_a_missing_or_unreadable_folder_says_what_to_do(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    with pytest.raises(MissingError, match="no photo folder"):
        opened(tmp_path / "nowhere")
    empty.mkdir()
    with pytest.raises(MissingError, match="no photos in"):
        opened(empty)
    (empty / "a.jpg").write_bytes(b"no")
    with pytest.raises(MissingError, match=r"none of the 1 photos .*a\.jpg: not an image") as caught:
        opened(empty)
    assert caught.value.hint
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(MissingError, match="no photo folder"):
        opened(tmp_path / "loop")


@pytest.mark.parametrize("values", [{"held_out_share": 0}, {"held_out_share": 0.6}, {"max_pixels": 2_000_000_000}])
def test_settings_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        PhotoSettings(**values)


def test_the_photo_folder_is_only_read(root: Path) -> None:
    (root / "records.csv").write_text("photo,note\np0.png,a\n")

    def facts() -> list[tuple[str, int, int]]:
        return [(str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in sorted([root, *root.rglob("*")])]

    before = facts()
    opened(root)
    assert facts() == before


def test_the_content_fingerprint_follows_photos_records_and_splits(root: Path) -> None:
    before = content_fingerprint(opened(root).photos)
    assert content_fingerprint(opened(root).photos) == before
    (root / "p0.txt").write_text("now with a note")
    noted = content_fingerprint(opened(root).photos)
    assert noted != before
    assert content_fingerprint(opened(root, seed=5).photos) != noted
