"""Where a photo lies now."""

import hashlib
from pathlib import Path

import pytest

from realign_edge.bundle.contract import THUMBNAILS
from realign_edge.results.thumbnails import thumbnail_path
from realign_edge.station.watching.whereabouts import past_thumbnail, photo_of

PHOTO = b"the photo"
SHA = hashlib.sha256(PHOTO).hexdigest()


@pytest.fixture
def kept(home: Path) -> Path:
    path = thumbnail_path(home, SHA)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"small")
    return path


@pytest.mark.parametrize("place", ["a/1.jpg", "done/a/1.jpg"])
def test_the_photo_itself_is_found_where_it_was_put(home: Path, kept: Path, tmp_path: Path, place: str) -> None:
    path = tmp_path / "in" / place
    path.parent.mkdir(parents=True)
    path.write_bytes(PHOTO)
    found = photo_of(home, SHA, "a/1.jpg", [tmp_path / "away", tmp_path / "in"])
    assert (found.kind, found.path) == ("photo", path)
    assert kept.is_file()


@pytest.mark.parametrize("data", [b"another photo", None])
def test_another_photo_of_the_same_name_is_not_shown(home: Path, kept: Path, tmp_path: Path, data: bytes) -> None:
    if data is not None:
        (tmp_path / "1.jpg").write_bytes(data)
    found = photo_of(home, SHA, "1.jpg", [tmp_path])
    assert (found.kind, found.path) == ("thumbnail", kept)


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/hostname", "x\0y", "a" * 5000])
def test_a_name_leads_nowhere_else(home: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(PHOTO)
    (tmp_path / "in").mkdir()
    assert photo_of(home, SHA, name, [tmp_path / "in"]).kind == "nothing"


def test_a_hash_leads_nowhere_else(home: Path) -> None:
    assert photo_of(home, "../../etc/passwd", "1.jpg").kind == "nothing"
    assert past_thumbnail(home, "b1", "../../x") is None


def test_past_photos_are_looked_for_in_their_bundle_first(home: Path) -> None:
    assert past_thumbnail(home, "b1", SHA) is None
    places = [home / "bundles" / name / THUMBNAILS / f"{SHA}.jpg" for name in ("b1", "a0")]
    for path in places:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"small")
    assert past_thumbnail(home, "b1", SHA) == places[0]
    assert past_thumbnail(home, "gone", SHA) == places[1]
    assert past_thumbnail(home, "../b1", SHA) == places[1]
