"""Photos are opened ahead: in their order, one at most, and with the same results as one by one."""

import io
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from realign_edge.files import sha256_bytes
from realign_edge.photos.decode import read_photo
from realign_edge.photos.regular import Refusal
from realign_edge.results.model import Inspection, Refused
from realign_edge.station.arriving import ahead
from realign_edge.station.arriving.ahead import opened_ahead
from realign_edge.station.arriving.arrivals import Arrival
from realign_edge.station.arriving.context import Context
from realign_edge.station.inspecting.inspector import Inspector
from realign_edge.station.inspecting.work import inspect_all


def arrivals(folder: Path, count: int) -> list[Arrival]:
    found = []
    for number in range(count):
        path = folder / f"{number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
        found.append(Arrival(path, path.name, Context(lot=f"L{number}")))
    return found


def test_every_file_once_in_its_order(tmp_path: Path) -> None:
    found = arrivals(tmp_path, 5)
    (tmp_path / "2.png").write_bytes(b"no photo")
    found.insert(3, Arrival(tmp_path / "x", "x", Context(), "a raw file"))
    opened = list(opened_ahead(iter(found)))
    assert [o.arrival for o in opened] == found
    assert [isinstance(o.rgb, Refusal) for o in opened] == [False, False, True, True, False, False]
    for one in opened:
        if not isinstance(one.rgb, Refusal):
            assert np.array_equal(one.rgb, np.asarray(read_photo(one.arrival.path)))
            assert one.sha256 == sha256_bytes(one.arrival.path.read_bytes())
    # What was read has a hash, even where it is no photo; what was refused unread has none.
    assert (opened[2].sha256, opened[3].sha256) == (sha256_bytes(b"no photo"), "")
    assert list(opened_ahead([])) == []


def test_one_at_most_is_opened_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    two = threading.Event()
    real = ahead._open

    def opening(arrival: Arrival) -> Any:
        begun.append(arrival.name)
        if len(begun) == 2:
            two.set()
        return real(arrival)

    monkeypatch.setattr(ahead, "_open", opening)
    opened = opened_ahead(arrivals(tmp_path, 9))
    next(opened)
    assert two.wait(20), "the second is opened while the first is in hand"
    opened.close()
    assert begun == ["0.png", "1.png"]


def test_what_breaks_in_the_thread_breaks_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: bytes) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(ahead, "decode", broken)
    with pytest.raises(ZeroDivisionError):
        list(opened_ahead(arrivals(tmp_path, 2)))


class Still(Inspector):
    """An inspector without a model: what it was given decides."""

    def __init__(self) -> None:
        pass

    def inspect_decoded(self, rgb: Any, sha256: str, name: str, context: Context | None = None) -> Inspection:
        about = context or Context()
        if rgb.mean() == 255:
            raise Refusal("too white")
        described = sha256_bytes(np.ascontiguousarray(rgb).tobytes())
        return Inspection(
            sha256=sha256, name=name, inspected_at="2026-01-01T00:00:00+00:00", verdict="PASS", reasons=(),
            description=described, part="", findings=(), neighbours=(), familiarity=0.5, confidence=0.5,
            bundle_id="0" * 16, model_sha256="0" * 64, latency_ms=1.0, lot=about.lot,
        )  # fmt: skip


def test_results_are_those_of_one_by_one(tmp_path: Path) -> None:
    found, inspector = arrivals(tmp_path, 4), Still()
    white = io.BytesIO()
    Image.new("RGB", (20, 20), "white").save(white, "PNG")
    (tmp_path / "1.png").write_bytes(white.getvalue())
    together = list(inspect_all(inspector, found))
    for arrival, result in zip(found, together, strict=True):
        if arrival.name == "1.png":
            assert isinstance(result, Refused)
            assert (result.reason, result.sha256) == ("too white", sha256_bytes(white.getvalue()))
            continue
        assert isinstance(result, Inspection)
        assert asdict(result) == asdict(inspector.inspect(arrival.path, arrival.name, arrival.context))


def test_a_link_leads_out_of_no_folder_but_a_person_may_name_one(tmp_path: Path) -> None:
    (real,) = arrivals(tmp_path, 1)
    (tmp_path / "in").mkdir()
    link = tmp_path / "in" / "a.png"
    link.symlink_to(real.path)
    inside, named = Arrival(link, "a.png", Context(), folder=tmp_path / "in"), Arrival(link, "a.png", Context())
    refused, taken = opened_ahead([inside, named])
    assert isinstance(refused.rgb, Refusal) and "outside the photo folder" in str(refused.rgb) and not refused.sha256
    assert taken.sha256 == sha256_bytes(real.path.read_bytes())


def test_a_link_to_itself_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    (real,) = arrivals(tmp_path, 1)
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    loop = Arrival(tmp_path / "loop.jpg", "loop.jpg", Context(), folder=tmp_path)
    refused, taken = opened_ahead([loop, real])
    assert isinstance(refused.rgb, Refusal) and "circle" in str(refused.rgb)
    assert not isinstance(taken.rgb, Refusal)
