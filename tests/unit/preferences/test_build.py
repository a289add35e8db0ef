import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from realign_edge.cli.pairs_view import marked
from realign_edge.errors import Interrupted, MissingError
from realign_edge.glossary.facts import facts_of
from realign_edge.glossary.mentions import find_mentions
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import Collection, PhotoSettings, open_collection
from realign_edge.preferences import build
from realign_edge.preferences.build import build_pairs
from realign_edge.preferences.builder import PairBuilder
from realign_edge.preferences.files import dump, pair_rows, read_pairs
from realign_edge.preferences.gate import SentenceGate
from realign_edge.preferences.infill import infill, slot_phrases
from realign_edge.preferences.masking import mask_by_glossary, mask_by_grounding, masked_text
from realign_edge.preferences.settings import PairSettings
from realign_edge.progress import Silent
from realign_edge.retrieval.index import open_index
from realign_edge.retrieval.policy import RetrievalSettings
from realign_edge.shopfloor.notes import write_note
from realign_edge.shopfloor.scene import CoOccurrence, sample_scene
from realign_edge.shopfloor.vocabulary import GLOSSARY
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.sight import Sight
from realign_edge.vlm.tree import TokenTree

DESCRIBE = "Describe the part and its defects."
PHRASES = slot_phrases(GLOSSARY, "en")


@pytest.fixture(scope="session")
def gate() -> SentenceGate:
    return SentenceGate("all-MiniLM-L6-v2")


def builder_for(
    tmp_path: Path, vlm: Any, floor: Path, gate: SentenceGate, **more: Any
) -> tuple[Catalog, Collection, PairBuilder]:
    tmp_path.mkdir(exist_ok=True)
    catalog = Catalog(tmp_path / "catalog.sqlite")
    collection = open_collection(catalog, floor, PhotoSettings(), Silent())
    store = FeatureStore(tmp_path / "features", vlm)
    train = collection.of("train")
    store.ensure(train, Silent())
    shas = tuple(sorted(p.sha256 for p in train))
    index = open_index(tmp_path / "index", shas, store.vectors(shas, "mean"), Silent())
    # An untrained model cannot tell photos apart, so its likelihoods say nothing about which note fits.
    made = PairSettings(**{"min_reference_gap": -1e9, **more})
    retrieval = RetrievalSettings(max_similarity=1.0)
    return (
        catalog,
        collection,
        PairBuilder(vlm, store, index, GLOSSARY, {p.sha256: p for p in train}, made, retrieval, gate),
    )


def test_the_gate_is_a_real_sentence_encoder(gate: SentenceGate) -> None:
    note = "Brass gear on the wooden bench. Scratch at the upper left."
    assert gate.similarity(note, note) == pytest.approx(1, abs=1e-5)
    close = gate.similarity(note, "A scratch on the upper left of a brass gear on the bench.")
    far = gate.similarity(note, "The weather in Nagoya was fine.")
    assert 0.8 < close < 0.99
    assert far < 0.3
    with pytest.raises(MissingError, match="no sentence encoder"):
        SentenceGate("not-there")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_masks_cover_what_is_claimed_and_keep_the_rest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    note = write_note(sample_scene(rng, CoOccurrence.unbiased()), rng)
    segments = mask_by_glossary(note, GLOSSARY)
    assert "".join(s.text for s in segments) == note
    kept = "".join(s.text for s in segments if not s.slot)
    assert all(m.negated for m in find_mentions(kept, GLOSSARY))
    assert masked_text(segments).count("[MASK]") >= 3


def noise(vlm: Any, seed: int) -> Sight:
    """A photo that says nothing."""
    (layout,) = (sight.layout for sight in vlm.sights([Image.new("RGB", (128, 128))]))
    features = torch.randn(65, 192, generator=torch.Generator().manual_seed(seed))
    return Sight(layout.tokens, features=features)


def test_infill_keeps_every_unmasked_word(tiny_vlm: Any) -> None:
    rng = np.random.default_rng(0)
    photo = noise(tiny_vlm, 0)
    notes = [write_note(sample_scene(rng, CoOccurrence.unbiased()), rng) for _ in range(12)]
    masked = [mask_by_glossary(note, GLOSSARY) for note in notes]
    tree = TokenTree(tiny_vlm, [tiny_vlm.prefix(DESCRIBE, photo)] * 12, [photo] * 12)
    for segments, written in zip(masked, infill(tree, DESCRIBE, masked, [PHRASES] * len(masked), {}), strict=True):
        rest = written
        for segment in segments:
            if not segment.slot:
                assert segment.text in rest
                rest = rest[rest.index(segment.text) + len(segment.text) :]
        slots = [m.category for m in find_mentions(written, GLOSSARY) if not m.negated]
        assert slots == [s.category for s in segments if s.slot]


def test_grounding_masks_need_no_word_list(tiny_vlm: Any) -> None:
    photo = noise(tiny_vlm, 2)
    blank = torch.randn(1, 192, generator=torch.Generator().manual_seed(2))
    gone = photo.blank(blank)
    note = "Brass gear on the white tray. Dent at the center."
    [everything] = mask_by_grounding(tiny_vlm, DESCRIBE, [note], [photo], blank, -1e9)
    [nothing] = mask_by_grounding(tiny_vlm, DESCRIBE, [note], [photo], blank, 1e9)
    [some] = mask_by_grounding(tiny_vlm, DESCRIBE, [note], [photo], blank, 0.0)
    for segments in (everything, nothing, some):
        assert "".join(s.text for s in segments) == note
    assert masked_text(everything) == "[MASK]. [MASK]."
    assert masked_text(nothing) == note
    longer = f"{note} Rust at the upper left."
    together = mask_by_grounding(tiny_vlm, DESCRIBE, [note, longer, note], [photo, photo, gone], blank, 0.0)
    assert together[0] == some
    assert "".join(s.text for s in together[1]) == longer
    assert masked_text(mask_by_grounding(tiny_vlm, DESCRIBE, [note], [gone], blank, 1e-3)[0]) == note


def test_pairs_are_what_they_claim(tmp_path: Path, tiny_vlm: Any, small_floor: Path, gate: SentenceGate) -> None:
    catalog, collection, builder = builder_for(tmp_path, tiny_vlm, small_floor, gate)
    summary = build_pairs(catalog, collection, builder, Silent(), lambda: False)
    photos = {p.sha256: p for p in collection.photos}
    assert set(summary.pairs) == {"note", "yes_no", "where"}
    held_out = {p.sha256 for p in collection.of("held_out")}
    for pair in summary.pair_list:
        assert not {pair.photo, pair.retrieved} & held_out
        assert pair.chosen != pair.rejected
        facts = facts_of(photos[pair.photo].record, GLOSSARY)
        assert facts is not None
        if pair.kind == "note":
            record = photos[pair.photo].record
            assert record is not None
            assert pair.chosen == record.note
            assert pair.provenance.text_similarity < 0.95
            assert pair.provenance.rank >= 1
            other = photos[pair.retrieved].record
            assert other is not None
            assert other.serial != record.serial
        elif pair.kind == "yes_no":
            defect = pair.prompt.removeprefix("Does the photo show ").removesuffix("?")
            assert pair.chosen == ("Yes." if defect in facts.defects else "No.")
            if pair.retrieved:
                theirs = facts_of(photos[pair.retrieved].record, GLOSSARY)
                assert theirs is not None
                assert (defect in theirs.defects) is not (defect in facts.defects)


def test_a_stopped_build_goes_on_to_the_same_pairs(
    tmp_path: Path, tiny_vlm: Any, small_floor: Path, gate: SentenceGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "GROUP", 8)
    whole = build_pairs(*builder_for(tmp_path / "a", tiny_vlm, small_floor, gate), Silent(), lambda: False)
    parts = builder_for(tmp_path / "b", tiny_vlm, small_floor, gate)
    with pytest.raises(Interrupted):
        build_pairs(*parts, Silent(), lambda: True)
    done = len(parts[0].attempted(parts[1].root, whole.settings))
    assert 0 < done < whole.photos
    assert build_pairs(*parts, Silent(), lambda: False).pair_list == whole.pair_list


def test_other_settings_make_other_pairs_and_keep_the_old(
    tmp_path: Path, tiny_vlm: Any, small_floor: Path, gate: SentenceGate
) -> None:
    catalog, collection, builder = builder_for(tmp_path, tiny_vlm, small_floor, gate)
    first = build_pairs(catalog, collection, builder, Silent(), lambda: False)
    fewer = replace(builder, settings=replace(builder.settings, yes_no_questions=0, where_questions=0))
    second = build_pairs(catalog, collection, fewer, Silent(), lambda: False)
    assert first.settings != second.settings
    assert set(second.pairs) == {"note"}
    assert build_pairs(catalog, collection, builder, Silent(), lambda: False).pair_list == first.pair_list


@pytest.mark.parametrize("form", ["trl", "realign"])
def test_pair_files_go_round(tmp_path: Path, tiny_vlm: Any, small_floor: Path, gate: SentenceGate, form: str) -> None:
    catalog, collection, builder = builder_for(tmp_path, tiny_vlm, small_floor, gate)
    pairs = build_pairs(catalog, collection, builder, Silent(), lambda: False).pair_list
    path = tmp_path / "pairs.json"
    path.write_text(dump(pair_rows(pairs, {p.sha256: p for p in collection.photos}, form), form), encoding="utf-8")
    back, problems = read_pairs(path, collection.photos)
    assert problems == []
    assert [p.pair_id for p in back] == [p.pair_id for p in pairs]


def test_bad_rows_are_named_and_the_rest_is_taken(tmp_path: Path, small_floor: Path) -> None:
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        photos = open_collection(catalog, small_floor, PhotoSettings(), Silent()).photos
    good = {"image": photos[0].name, "retrieved_image": "", "question": "q", "chosen": "a", "rejected": "b"}
    rows = [good, {**good, "image": "nowhere.jpg"}, {"image": photos[0].name}, "text", {**good, "chosen": ""}]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n{broken\n")
    pairs, problems = read_pairs(path, photos)
    assert len(pairs) == 1
    assert [p.split(": ", 1)[0] for p in problems] == [f"pairs.jsonl row {n}" for n in (2, 3, 4, 5, 6)]


def test_without_records_the_models_own_answers_are_the_chosen_ones(
    tmp_path: Path, tiny_vlm: Any, small_floor: Path, gate: SentenceGate
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for i, path in enumerate(sorted(small_floor.rglob("*.jpg"))[:8]):
        (bare / f"{i}.jpg").write_bytes(path.read_bytes())
    more = {"grounding_drop": -1e9, "max_text_similarity": 1.0}
    parts = builder_for(tmp_path / "home", tiny_vlm, bare, gate, **more)
    notes = [p for p in build_pairs(*parts, Silent(), lambda: False).pair_list if p.kind == "note"]
    assert notes
    assert {p.provenance.source for p in notes} == {"model"}
    # Untrained babble holds a word of the glossary now and then; the rest is masked without a word list.
    assert "grounding" in {p.provenance.masking for p in notes}


def test_differences_are_marked_without_colour() -> None:
    assert marked("Brass gear here", "Copper gear here now") == ("[Brass] gear here", "[Copper] gear here [now]")
