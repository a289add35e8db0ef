"""A group of photos is worked on at once, and gives what its photos give alone, with no work done twice."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import Collection, PhotoSettings, open_collection
from realign_edge.preferences import notes
from realign_edge.preferences.builder import PairBuilder
from realign_edge.preferences.gate import SentenceGate
from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.settings import PairSettings
from realign_edge.progress import Silent
from realign_edge.retrieval.index import open_index
from realign_edge.retrieval.policy import RetrievalSettings
from realign_edge.shopfloor.vocabulary import GLOSSARY
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.sight import Prefix, Sight
from realign_edge.vlm.tree import TokenTree


@pytest.fixture(scope="module")
def gate() -> SentenceGate:
    return SentenceGate("all-MiniLM-L6-v2")


@pytest.fixture(scope="module")
def nano() -> Any:
    return load_vlm("nano")


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory, nano: Any, small_floor: Path) -> tuple[Collection, FeatureStore]:
    folder = tmp_path_factory.mktemp("groups")
    collection = open_collection(Catalog(folder / "catalog.sqlite"), small_floor, PhotoSettings(), Silent())
    store = FeatureStore(folder / "features", nano)
    store.ensure(collection.of("train"), Silent())
    return collection, store


def builder_of(
    tmp_path: Path, nano: Any, floor: tuple[Collection, FeatureStore], gate: SentenceGate, **more: Any
) -> PairBuilder:
    collection, store = floor
    photos = {p.sha256: p for p in collection.of("train")}
    index = open_index(tmp_path / "index", tuple(sorted(photos)), store.vectors(sorted(photos), "cls"), Silent())
    return PairBuilder(nano, store, index, GLOSSARY, photos, PairSettings(**more), RetrievalSettings(), gate)


def same(a: PreferencePair, b: PreferencePair) -> bool:
    """Likelihoods differ in float32 by how sums are ordered, 1e-3 nats at most over a note."""
    ours, theirs = a.provenance, b.provenance
    gap = abs((ours.reference_gap or 0) - (theirs.reference_gap or 0))
    return (a.pair_id, ours.masked, ours.rank) == (b.pair_id, theirs.masked, theirs.rank) and gap < 1e-3


# A gap that most neighbours miss makes waves long; without records the notes are the model's own.
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"min_reference_gap": 14.0},
        {"completion": "prompt"},
        {"chosen": "model", "masking": "grounding"},
        {"masking": "model"},
    ],
)
def test_a_group_gives_what_its_photos_give_alone(
    tmp_path: Path, nano: Any, floor: tuple[Collection, FeatureStore], gate: SentenceGate, more: dict[str, Any]
) -> None:
    builder = builder_of(tmp_path, nano, floor, gate, **more)
    photos = floor[0].of("train")[:12]
    together = builder.build_group(photos)
    alone = [result for photo in photos for result in builder.build_group([photo])]
    assert [reasons for _, reasons in together] == [reasons for _, reasons in alone]
    for (ours, _), (theirs, _) in zip(together, alone, strict=True):
        assert len(ours) == len(theirs)
        assert all(same(*pair) for pair in zip(ours, theirs, strict=True))
    assert any(p.kind == "note" for pairs, _ in together for p in pairs) or more.get("masking") == "model"


def test_each_neighbour_is_seen_once_and_only_when_its_turn_comes(
    tmp_path: Path, nano: Any, floor: tuple[Collection, FeatureStore], gate: SentenceGate, monkeypatch: Any
) -> None:
    seen: list[Sight] = []

    class Counting(TokenTree):
        def __init__(self, vlm: Any, prefixes: Sequence[Prefix], sights: Sequence[Sight]) -> None:
            seen.extend(sights)
            super().__init__(vlm, prefixes, sights)

    monkeypatch.setattr(notes, "TokenTree", Counting)
    builder = builder_of(tmp_path, nano, floor, gate, min_reference_gap=14.0)
    results = builder.build_group(floor[0].of("train")[:12])
    turned_down = sum(n for _, why in results for reason, n in why.items() if reason.startswith("tried: "))
    taken = [p.provenance.rank for pairs, _ in results for p in pairs if p.kind == "note"]
    assert turned_down > 0
    assert 1 in taken
    assert len(seen) == turned_down + len(taken)


def test_the_photo_is_run_once_for_all_its_answers_and_once_per_neighbour(
    tmp_path: Path, nano: Any, floor: tuple[Collection, FeatureStore], gate: SentenceGate, monkeypatch: Any
) -> None:
    photos_run: Counter[str] = Counter()
    embed = type(nano).embed

    def counted(self: Any, ids: Tensor, sights: Sequence[Sight] = ()) -> Tensor:
        photos_run["photos"] += len(sights)
        return embed(self, ids, sights)  # type: ignore[no-any-return]

    monkeypatch.setattr(type(nano), "embed", counted)
    photos = floor[0].of("train")[:12]
    results = builder_of(tmp_path, nano, floor, gate).build_group(photos)
    tried = sum(n for _, why in results for reason, n in why.items() if reason.startswith("tried: "))
    taken = sum(p.kind == "note" for pairs, _ in results for p in pairs)
    assert photos_run["photos"] == len(photos) + tried + taken
