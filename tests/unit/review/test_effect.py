"""What people decided is what is trained on."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from realign_edge.preferences.review.effect import apply_rulings, changes_sentence, fits
from realign_edge.preferences.review.model import decision_about
from realign_edge.preferences.review.ruling import Ruling, rulings_of
from realign_edge.preferences.review.session import ReviewSession
from realign_edge.retrieval.policy import RetrievalSettings, choose_references

from .conftest import pair_of, photo_of

PAIR = pair_of(1, 2)
SAME_PHOTOS = pair_of(1, 2, "yes_no")
OTHER = pair_of(3, 2)


def ruled(*said: tuple[str, str], **texts: str) -> dict[str, Ruling]:
    return rulings_of([decision_about(PAIR, verdict, who, "", **texts) for who, verdict in said])  # type: ignore[arg-type]


def test_without_reviews_the_same_pairs_come_out() -> None:
    pairs = [PAIR, SAME_PHOTOS, OTHER]
    for rulings in ({}, ruled(("mori", "accept")), ruled(("mori", "accept"), ("sato", "accept"))):
        done = apply_rulings(pairs, rulings)
        assert list(done.pairs) == pairs and done.changes == {} and done.sentence == ""


@pytest.mark.parametrize(
    ("verdict", "texts", "becomes", "kind"),
    [
        ("discard", {}, None, "discarded"),
        ("swap", {}, replace(PAIR, chosen=PAIR.rejected, rejected=PAIR.chosen, retrieved=""), "swapped"),
        ("edit", {"chosen": "Gear. Dent."}, replace(PAIR, chosen="Gear. Dent."), "edited"),
        ("edit", {"rejected": "Gear. Rust."}, replace(PAIR, rejected="Gear. Rust."), "edited"),
    ],
)
def test_a_decision_changes_its_pair_alone(verdict: str, texts: dict[str, str], becomes: object, kind: str) -> None:
    done = apply_rulings([PAIR, SAME_PHOTOS, OTHER], ruled(("mori", verdict), **texts))
    assert list(done.pairs) == [p for p in (becomes, SAME_PHOTOS, OTHER) if p is not None]
    assert done.changes == {kind: 1}
    assert PAIR.pair_id not in {p.pair_id for p in done.pairs}


def test_a_photo_that_also_fits_is_no_wrong_photo_for_any_pair_of_these_two() -> None:
    rulings = ruled(("mori", "also_fits"))
    done = apply_rulings([PAIR, SAME_PHOTOS, OTHER], rulings)
    assert [p.retrieved for p in done.pairs] == ["", "", OTHER.retrieved]
    assert [p.chosen for p in done.pairs] == [PAIR.chosen, SAME_PHOTOS.chosen, OTHER.chosen]
    assert fits(rulings) == {(PAIR.photo, PAIR.retrieved)}
    assert done.sentence == "2 pairs changed by review: 2 without their retrieved photo"


def test_what_people_differ_on_is_set_aside() -> None:
    done = apply_rulings([PAIR, OTHER], ruled(("mori", "accept"), ("sato", "swap")))
    assert list(done.pairs) == [OTHER]
    assert done.sentence == "1 pair changed by review: 1 set aside until people agree"


def test_pairs_built_later_pass_the_photo_over(tmp_path: object) -> None:
    photos = {p.sha256: p for p in (photo_of(tmp_path, n) for n in range(1, 4))}  # type: ignore[arg-type]
    found = [(f"{2:064x}", 0.9), (f"{3:064x}", 0.8)]
    also = fits(ruled(("mori", "also_fits")))
    usable, refused = choose_references(
        photos[PAIR.photo], found, photos, RetrievalSettings(), lambda _a, _b: False,
        lambda a, b: (a.sha256, b.sha256) in also,
    )  # fmt: skip
    assert [c.photo.sha256 for c in usable] == [f"{3:064x}"]
    assert [c.reason for c in refused] == ["a person says that it fits, too"]


def test_the_line_names_every_kind_in_a_fixed_order() -> None:
    changes = {"contested": 1, "discarded": 4, "edited": 2, "swapped": 3, "without_retrieved": 2}
    assert changes_sentence(changes) == (
        "12 pairs changed by review: 3 swapped, 2 edited, 2 without their retrieved photo, 4 discarded, "
        "1 set aside until people agree"
    )


def test_a_session_decides_what_is_trained_on(session: Callable[[str], ReviewSession]) -> None:
    mori = session("mori")
    before = apply_rulings(mori.stock.pairs.values(), {}).pairs
    item = mori.current()
    assert item is not None
    mori.decide(item.pair.pair_id, "discard")
    mori.current()
    from realign_edge.preferences.review.ruling import read_rulings

    after = apply_rulings(mori.stock.pairs.values(), read_rulings(mori.stock.catalog)).pairs
    assert set(before) - set(after) == {item.pair}
