import resource
from pathlib import Path

import numpy as np
import pytest

from realign_edge.photos.model import InspectionRecord, Photo
from realign_edge.progress import Silent
from realign_edge.retrieval.index import PhotoIndex, open_index
from realign_edge.retrieval.policy import RetrievalSettings, choose_references


def vectors(count: int, dim: int = 32, seed: int = 0) -> tuple[tuple[str, ...], np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((count, dim)).astype(np.float32)
    return tuple(f"{i:06d}" for i in range(count)), values / np.linalg.norm(values, axis=1, keepdims=True)


def opened(folder: Path, count: int = 300) -> PhotoIndex:
    return open_index(folder, *vectors(count), Silent())


def test_it_finds_what_exact_search_finds(tmp_path: Path) -> None:
    photos, values = vectors(600)
    index = open_index(tmp_path, photos, values, Silent())
    assert index.manifest.recall_at_10 >= 0.99
    assert not index.exact
    for row in range(0, 600, 37):
        exact = np.argsort(-(values @ values[row]), kind="stable")[1:11]
        assert [sha for sha, _ in index.neighbours(photos[row], 10)] == [photos[i] for i in exact]


def test_asking_for_more_than_there_is_gives_all(tmp_path: Path) -> None:
    index = opened(tmp_path, 5)
    assert len(index.neighbours("000000", 50)) == 4


def test_it_is_loaded_again_grown_and_rebuilt(tmp_path: Path) -> None:
    opened(tmp_path, 100)
    stamp = (tmp_path / "index.hnsw").stat().st_mtime_ns
    opened(tmp_path, 100)
    assert (tmp_path / "index.hnsw").stat().st_mtime_ns == stamp
    grown = opened(tmp_path, 140)
    assert len(grown) == 140
    assert grown.neighbours("000139", 3) == opened(tmp_path / "fresh", 140).neighbours("000139", 3)
    assert len(opened(tmp_path, 60)) == 60


@pytest.mark.parametrize("damage", ["flip", "cut", "manifest", "gone"])
def test_a_damaged_index_is_never_loaded(tmp_path: Path, damage: str) -> None:
    expected = opened(tmp_path).neighbours("000003", 10)
    path = tmp_path / "index.hnsw"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 3] ^= 4
        path.write_bytes(data)
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "manifest":
        (tmp_path / "manifest.json").write_text("{}")
    else:
        path.unlink()
    assert opened(tmp_path).neighbours("000003", 10) == expected


@pytest.mark.parametrize("bad", [np.nan, 0.0])
def test_vectors_are_checked(tmp_path: Path, bad: float) -> None:
    photos, values = vectors(10)
    values[3] = bad
    with pytest.raises(ValueError, match="finite and of unit length"):
        open_index(tmp_path, photos, values, Silent())


def shown(sha: str, part: str, serial: str, **attributes: str) -> Photo:
    return Photo(sha, Path(sha), sha, 9, 9, "train", InspectionRecord(part=part, serial=serial, attributes=attributes))


def test_every_refused_neighbour_has_its_reason() -> None:
    photos = {
        p.sha256: p
        for p in (
            shown("a", "gear", "1"),
            shown("same", "gear", "1"),
            shown("twin", "gear", "2"),
            shown("far", "gear", "3"),
            shown("agrees", "gear", "4"),
            shown("other", "nut", "5"),
            shown("good", "gear", "6"),
        )
    }
    found = [("same", 0.98), ("twin", 0.9999), ("far", 0.1), ("agrees", 0.9), ("other", 0.8), ("good", 0.7)]
    settings = RetrievalSettings(min_similarity=0.5)
    usable, refused = choose_references(photos["a"], found, photos, settings, lambda a, b: b.sha256 == "agrees")
    assert [(c.photo.sha256, c.rank) for c in usable] == [("good", 1), ("other", 2)]
    assert {c.photo.sha256: c.reason for c in refused} == {
        "same": "the same specimen",
        "twin": "a near-duplicate",
        "far": "too different",
        "agrees": "its record says the same",
    }
    strict = RetrievalSettings(same_part="require")
    usable, _ = choose_references(photos["a"], found, photos, strict, lambda a, b: False)
    assert "other" not in {c.photo.sha256 for c in usable}


def test_attributes_can_be_made_to_agree() -> None:
    photos = {p.sha256: p for p in (shown("a", "g", "1", finish="brass"), shown("b", "g", "2", finish="copper"))}
    settings = RetrievalSettings(match_attributes=("finish",))
    _, refused = choose_references(photos["a"], [("b", 0.5)], photos, settings, lambda a, b: False)
    assert refused[0].reason == "another finish"


def test_index_that_a_full_disk_cut_off_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """hnswlib itself says nothing. No file may grow beyond a page here, which is how it meets a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left") as told:
            opened(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert told.value.filename == str(tmp_path / "index.hnsw")
    assert list(tmp_path.iterdir()) == []
    assert len(opened(tmp_path)) == 300
