"""The order of pairs, and what one person sees of the others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realign_edge.errors import MissingError, UsageError
from realign_edge.glossary.model import Glossary, Term
from realign_edge.preferences.review.difference import marked, unknown_share
from realign_edge.preferences.review.doubts import WEIGHTS, WORTH, Doubt, Doubter, record_doubt, worth
from realign_edge.preferences.review.order import in_order
from realign_edge.preferences.review.session import ReviewSession
from realign_edge.preferences.review.stock import open_stock
from realign_edge.preferences.review.store import SEAT_S

from .conftest import pair_of, photo_of

Sit = Callable[[str], ReviewSession]
WORDS = Glossary((Term("dent", "defect"), Term("crack", "defect"), Term("gear", "part")))


def test_the_doubtful_pair_comes_first_and_is_worth_doing(session: Sit) -> None:
    mori = session("mori")
    item = mori.current()
    assert item is not None
    assert item.pair.photo == f"{1:064x}" and item.doubts[0].name == "record" and item.why == "order"
    assert mori.standing().worth_left == 1 and mori.standing().pairs == 5


def test_every_pair_is_shown_once_and_then_there_is_no_more(session: Sit) -> None:
    mori, seen = session("mori"), []
    while (item := mori.current()) is not None:
        seen.append(item.pair.pair_id)
        mori.decide(item.pair.pair_id, "accept")
    assert sorted(seen) == sorted(mori.stock.pairs)
    assert mori.standing().decided == mori.standing().own == 5


def test_a_skipped_pair_comes_back_last_and_nothing_is_stored(session: Sit) -> None:
    mori = session("mori")
    first = mori.current()
    assert first is not None
    mori.skip(first.pair.pair_id)
    assert mori.store.rows() == ()
    shown = []
    while (item := mori.current()) is not None and item.why != "skipped":
        shown.append(item.pair.pair_id)
        mori.decide(item.pair.pair_id, "accept")
    assert first.pair.pair_id not in shown and item is not None and item.pair == first.pair


def test_two_people_do_not_look_at_the_same_pair(session: Sit) -> None:
    mori, sato = session("mori"), session("sato")
    first, second = mori.current(), sato.current()
    assert first is not None and second is not None and first.pair != second.pair
    mori.decide(first.pair.pair_id, "accept")
    mori.leave()
    sato.skip(second.pair.pair_id)
    while (item := sato.current()) is not None and item.why == "order":
        assert item.pair != first.pair
        sato.decide(item.pair.pair_id, "accept")


def test_a_window_that_is_opened_again_shows_the_same_pair(session: Sit) -> None:
    first = session("mori").current()
    again = session("mori").current()
    assert first is not None and again is not None and first.pair == again.pair


def test_a_seat_that_was_never_given_back_is_free_after_a_while(session: Sit) -> None:
    mori, sato = session("mori"), session("sato")
    first = mori.current()
    sato.now = lambda: 1_000_000.0 + SEAT_S + 1
    item = sato.current()
    assert first is not None and item is not None and item.pair == first.pair


def test_a_pair_people_differ_on_comes_first_until_they_agree(session: Sit) -> None:
    mori, sato = session("mori"), session("sato")
    pair_id = pair_of(4, 1).pair_id
    mori.decide(pair_id, "accept")
    sato.decide(pair_id, "discard")
    item = mori.current()
    assert item is not None and item.why == "contested" and item.pair.pair_id == pair_id
    assert item.ruling is not None and item.ruling.reviewers == ("mori", "sato")
    other = sato.current()
    assert other is not None and other.pair.pair_id != pair_id
    assert mori.standing().contested == 1
    mori.decide(pair_id, "discard")
    for person in (mori, sato):
        now = person.current()
        assert now is not None and now.why != "contested"
        assert person.standing().contested == 0


def test_the_other_pairs_of_a_photo_with_a_wrong_record_come_next(session: Sit) -> None:
    mori = session("mori")
    mori.decide(pair_of(3, 1).pair_id, "discard")
    item = mori.current()
    assert item is not None and item.why == "same_photo" and item.pair == pair_of(3, 2, "yes_no")


def test_a_pair_without_retrieved_photo_cannot_also_fit(session: Sit) -> None:
    mori = session("mori")
    mori.stock = replace(mori.stock, pairs={"lone": replace(pair_of(1, 2), retrieved="")})
    with pytest.raises(UsageError, match="no retrieved photo"):
        mori.decide("lone", "also_fits")
    assert mori.store.rows() == ()


def test_without_pairs_there_is_a_way_out(tmp_path: Path, catalog: Path) -> None:
    for path in (tmp_path / "nothing.sqlite", catalog):
        with pytest.raises(MissingError, match="no pairs") as caught:
            open_stock(path, tmp_path / "other")
        assert "pairs build" in caught.value.hint


def test_no_weak_sign_alone_is_worth_a_look_and_every_strong_one_is() -> None:
    for name, weight in WEIGHTS.items():
        assert (worth([Doubt(name, 1.0, 0.0)]) >= WORTH) == (weight > 0.3)
    assert worth([Doubt("rare", 1.0, 1), Doubt("alike", 1.0, 1)]) == pytest.approx(1 - 0.7 * 0.7)
    assert worth([]) == 0


def test_the_record_is_doubted_as_bayes_rule_says() -> None:
    # Two photos with equal priors: the note is three times as likely before its own one.
    assert record_doubt(1.0986122886681098, 0) == pytest.approx(1 / 4)
    assert record_doubt(None, 0) == 0 and record_doubt(None, 3) == pytest.approx(3 / 4)
    assert record_doubt(-1e9, 0) == pytest.approx(1) and record_doubt(1e9, 0) == 0


def test_doubts_are_judged_by_what_is_known(tmp_path: Path) -> None:
    photos = {p.sha256: p for p in (photo_of(tmp_path, n) for n in range(1, 31))}
    pairs = [pair_of(n, 1, photo_similarity=n / 100, text_similarity=n / 50) for n in range(2, 31)]
    doubter = Doubter(pairs, photos, WORDS, {pairs[0].photo: {"tried: the retrieved photo fits the note as well": 2}})
    named = [{d.name for d in doubter.doubts(p)} for p in pairs]
    assert "record" in named[0] and named[10] == set()
    assert {"alike", "close"} <= named[-1] and "far" in named[0]


def test_words_outside_the_glossary_are_seen() -> None:
    assert unknown_share("Gear with a dent.", "Gear with a crack.", WORDS) == 0
    assert unknown_share("Gear, blue, dent.", "Gear, green, dent.", WORDS) == 1
    assert unknown_share("Gear, blue, dent.", "Gear, green, crack.", WORDS) == 0.5
    assert unknown_share("same", "same", WORDS) == 0


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0, 1)), max_size=40))
def test_no_photo_twice_in_a_row_while_another_is_worth_it(drawn: list[tuple[int, float]]) -> None:
    given_ = [(f"{n:03}", f"photo{photo}", value) for n, (photo, value) in enumerate(drawn)]
    places = in_order(given_)
    assert sorted(p.pair_id for p in places) == sorted(g[0] for g in given_)
    assert places == in_order(reversed(given_))
    for at in range(1, len(places)):
        if places[at].photo == places[at - 1].photo:
            assert not any(p.worth_doing and p.photo != places[at].photo for p in places[at:])


@given(st.text("ab 左端傷のが。", max_size=20), st.text("ab 左端傷のが。", max_size=20))
def test_marked_pieces_are_the_texts(a: str, b: str) -> None:
    left, right = marked(a, b)
    assert ("".join(t for t, _ in left), "".join(t for t, _ in right)) == (a, b)
    assert a != b or not any(differs for _, differs in (*left, *right))
