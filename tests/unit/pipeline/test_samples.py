"""What is shown of training while it goes on: which photos, and what of an answer is marked."""

from dataclasses import replace
from pathlib import Path

import pytest

from realign_edge.glossary.facts import Facts
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.model import Glossary
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.photos.model import Photo
from realign_edge.pipeline.samples import PHOTOS, choose, marked
from realign_edge.progress import Silent

FACTS = Facts("washer", {"crack": "upper left", "rust": ""}, frozenset())


@pytest.fixture
def glossary(small_floor: Path) -> Glossary:
    return load_glossary(small_floor / "glossary.toml")


@pytest.fixture
def photos(small_floor: Path, tmp_path: Path) -> tuple[Photo, ...]:
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        return open_collection(catalog, small_floor, PhotoSettings(), Silent()).photos


def test_what_the_record_has_not_is_marked_and_what_is_not_named_is_missed(glossary: Glossary) -> None:
    text = "Brass bracket. Crack at the upper left, dent at the center, no pitting."
    found = marked(text, FACTS, glossary, "en")
    assert [text[a:b].lower() for a, b in found["marks"]] == ["bracket", "dent"]
    assert (found["absent"], found["missed"]) == (["bracket", "dent"], ["rust"])


def test_places_are_those_of_the_text_as_it_was_written(glossary: Glossary) -> None:
    """Full-width letters and half-width kana are read as the usual ones."""
    text = "ｗａｓｈｅｒ ﾎﾞﾙﾄ: ｄｅｎｔ at the left."
    found = marked(text, FACTS, glossary, "en")
    assert [text[a:b] for a, b in found["marks"]] == ["ｄｅｎｔ"]


def test_terms_are_named_in_the_language_of_the_prompts(glossary: Glossary) -> None:
    found = marked("ワッシャー。中央にへこみ。", FACTS, glossary, "ja")
    assert found["absent"] == [glossary.called("dent", "ja")]
    assert found["missed"] == [glossary.called(d, "ja") for d in ("crack", "rust")]


def test_without_facts_nothing_is_marked(glossary: Glossary) -> None:
    assert marked("A dent.", None, glossary, "en") == {"text": "A dent.", "marks": [], "absent": [], "missed": []}
    unknown_part = marked("Bracket.", replace(FACTS, part=""), glossary, "en")
    assert unknown_part["absent"] == []


def test_the_same_few_photos_with_defects_first(photos: tuple[Photo, ...], glossary: Glossary) -> None:
    chosen = choose(photos, glossary, seed=0)
    assert len(chosen) == PHOTOS
    assert choose(photos[::-1], glossary, seed=0) == chosen
    assert choose(photos, glossary, seed=1) != chosen
    assert all(p.record is not None and p.record.known_defects for p in chosen)
    bare = [replace(p, record=None) for p in photos[:3]]
    assert {p.sha256 for p in choose(bare, glossary, seed=0)} == {p.sha256 for p in bare}
