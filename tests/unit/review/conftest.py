"""A catalog with four photos and their pairs, made by hand, so that what is known of each is known exactly."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.photos.catalog import Catalog
from realign_edge.photos.model import InspectionRecord, Photo
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.preferences.review.session import ReviewSession
from realign_edge.preferences.review.stock import open_stock

ASK = "Describe the part and its defects."


def photo_of(root: Path, number: int, note: str = "") -> Photo:
    record = InspectionRecord(note=note or f"Gear. Dent at the top, number {number}.", part="gear", defects=("dent",),
                              known_defects=True)  # fmt: skip
    return Photo(f"{number:064x}", root / f"{number}.png", f"{number}.png", 8, 8, "train", record)


def pair_of(number: int, other: int, kind: Any = "note", **how: Any) -> PreferencePair:
    """A note pair of photo `number` made before photo `other`; with a wide gap, nothing speaks against it."""
    about = {"completion": "infill", "reference_gap": 20.0, "photo_similarity": 0.5, "text_similarity": 0.7, **how}
    texts = (ASK, f"Gear. Dent at the top, number {number}.", f"Gear. Crack at the top, number {number}.")
    if kind != "note":
        about |= {"completion": "record", "reference_gap": None, "text_similarity": 0.0}
        texts = (f"Does photo {number} show a dent?", "Yes.", "No.")
    return PreferencePair(f"{number:064x}", f"{other:064x}", *texts, kind, Provenance("record", **about))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def catalog(tmp_path: Path, root: Path) -> Path:
    """Pairs of photos 1 to 4: 1 has a note that nearly fits photo 2; 3 has two pairs."""
    path = tmp_path / "catalog.sqlite"
    pairs = [pair_of(1, 2, reference_gap=0.1), pair_of(2, 1), pair_of(3, 1), pair_of(3, 2, "yes_no"), pair_of(4, 1)]
    with Catalog(path) as opened:
        opened.store_scan(root, [], [photo_of(root, n) for n in range(1, 5)])
        rows: dict[str, list[dict[str, Any]]] = {}
        for pair in pairs:
            rows.setdefault(pair.photo, []).append(pair.to_json())
        opened.store_attempts(root, "s", [(sha, {}, own) for sha, own in rows.items()])
    return path


@pytest.fixture
def session(catalog: Path, root: Path) -> Callable[[str], ReviewSession]:
    """session("name"): somebody sits down before the pairs."""
    return lambda name: ReviewSession(open_stock(catalog, root), name, now=lambda: 1_000_000.0)
