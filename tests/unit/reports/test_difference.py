"""Words that differ, and only those."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from realign_edge.reports.difference import marked

_TEXT = st.text(alphabet="abc 傷さび部品、。.-", max_size=60)


@given(_TEXT, _TEXT)
def test_pieces_are_the_texts_and_neighbours_differ_in_their_mark(a: str, b: str) -> None:
    left, right = marked(a, b)
    assert "".join(t for t, _ in left) == a and "".join(t for t, _ in right) == b
    for pieces in (left, right):
        assert all(x[1] != y[1] for x, y in pairwise(pieces))


@given(_TEXT)
def test_the_same_text_has_no_mark(text: str) -> None:
    assert not any(differs for _, differs in marked(text, text)[0])


def test_english_words_and_japanese_characters() -> None:
    left, right = marked("Rust at the top left.", "Burr at the top right.")
    assert [t for t, d in left if d] == ["Rust", "left"] and [t for t, d in right if d] == ["Burr", "right"]
    left, right = marked("左端に傷があります。", "右端にさびがあります。")
    assert [t for t, d in left if d] == ["左", "傷"] and [t for t, d in right if d] == ["右", "さび"]


def test_a_mark_runs_through_the_space_between_two_words() -> None:
    assert marked("red primer part", "blue paint part")[0] == (("red primer", True), (" part", False))
