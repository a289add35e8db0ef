"""Photos for reports: found by hash alone, small, within a budget."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from realign_edge.reports.model import InspectionReport
from realign_edge.reports.pictures import Album, StationPictures, small, worth_showing

_SHA = "ab" * 32


def _jpeg(width: int, height: int) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(held, "JPEG", exif=b"Exif\x00\x00secret place")
    return held.getvalue()


def test_thumbnails_of_the_station_then_of_the_bundle(tmp_path: Path) -> None:
    find = StationPictures(tmp_path)
    assert find(_SHA, "b1") is None
    past = tmp_path / "bundles/b1/index/thumbnails" / f"{_SHA}.jpg"
    past.parent.mkdir(parents=True)
    past.write_bytes(b"past")
    assert find(_SHA, "b1") == b"past"
    assert find(_SHA, "") is None
    own = tmp_path / "thumbnails/ab" / f"{_SHA}.jpg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"own")
    assert find(_SHA, "b1") == b"own"


@pytest.mark.parametrize("sha", ["../" * 9 + "etc/passwd", "", _SHA.upper(), _SHA + "0", "\x00" * 64])
@pytest.mark.parametrize("bundle", ["..", "../../b1", "b1", "/etc", ""])
def test_neither_hash_nor_bundle_leads_elsewhere(tmp_path: Path, sha: str, bundle: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    assert StationPictures(tmp_path / "home")(sha, bundle) is None
    assert StationPictures(tmp_path / "home")("../../secret", bundle) is None


def test_small_pictures_keep_their_proportions_and_lose_their_metadata() -> None:
    data = small(_jpeg(800, 600), 280)
    assert data is not None and b"secret" not in data
    assert Image.open(io.BytesIO(data)).size == (280, 210)
    assert small(b"no picture", 280) is None


def test_the_album_makes_each_once_and_stops_at_its_budget() -> None:
    asked: list[str] = []

    def find(sha256: str, _bundle: str) -> bytes:
        asked.append(sha256)
        return _jpeg(400, 400)

    album = Album(find, 100, budget=1)
    assert album.take("a", "") is not None and album.take("a", "") is not None
    assert album.take("b", "") is None
    assert asked == ["a"]


def test_review_comes_first_then_failed_then_decided_then_the_newest(make: Callable[..., InspectionReport]) -> None:
    report = make(500)
    shown = worth_showing(report.rows, 120)
    ranks = [{"REVIEW": 0, "FAIL": 1, "RETAKE": 1}.get(r.final, 2 if r.dispositions else 3) for r in shown]
    assert len(shown) == 120 and ranks == sorted(ranks) and set(ranks) == {0, 1, 2, 3}
    newest = [r.number for r in shown if not r.dispositions and r.final == "PASS"]
    assert newest == sorted(newest, reverse=True)
