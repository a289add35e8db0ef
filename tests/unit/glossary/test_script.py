from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realign_edge.glossary.script import is_japanese, normalise, origins, pieces, words


@pytest.mark.parametrize("text", ["傷", "ﾊﾞﾘ", "へこみ", "NG品", "ギア", "Lot 12 要再検"])
def test_a_kana_or_a_kanji_of_any_width_is_japanese(text: str) -> None:
    assert is_japanese(text)


@pytest.mark.parametrize("text", ["", "Scratch at the upper left.", "ＯＫ", "φ12・½", "Größe", "—"])
def test_width_and_signs_alone_are_not(text: str) -> None:
    assert not is_japanese(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("左上にへこみがあります。", "左上 に へこみ があります"),
        ("割れが中央に", "割れ が 中央 に"),
        ("引っかき傷を確認", "引っかき 傷 を 確認"),
        ("汚れはありません、錆なし。", "汚れ はありません 錆 なし"),
        ("へこみあり", "へこみ あり"),
        ("さび", "さび"),
        ("ﾊﾞﾘが０．５ｍｍ有り", "ﾊﾞﾘ が ０．５ｍｍ 有り"),
        ("フランジ（黒染め）：ＮＧ", "フランジ 黒染め ＮＧ"),
        ("傷・打痕　認められない", "傷 打痕 認められ ない"),
        ("塗装のにじみ", "塗装 の にじみ"),
        ("OK品 Lot-12 検査済", "OK 品 Lot-12 検査済"),
        ("Scratch at the upper left, ok.", "Scratch at the upper left ok"),
        ("", ""),
    ],
)
def test_words_need_no_spaces(text: str, expected: str) -> None:
    assert [text[a:b] for a, b in words(text)] == expected.split()


INSPECTOR = st.text("左上割れ傷にがのへこみあり。、（）ﾊﾞﾘｶﾞギアー ABc12.5㎜①：ｘ\u3000\n", max_size=30)


@given(INSPECTOR)
def test_words_are_in_order_and_leave_out_punctuation_alone(text: str) -> None:
    found = words(text)
    assert all(a < b for a, b in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    left_out = "".join(c for i, c in enumerate(text) if not any(a <= i < b for a, b in found))
    assert not any(c.isalnum() for c in left_out)
    assert "".join(pieces(text)) == text


def test_in_english_a_word_is_what_spaces_and_punctuation_leave() -> None:
    text = "Brass-plated gear (L2601): 0.5mm scratch, no rust!"
    assert [text[a:b] for a, b in words(text)] == [
        "Brass-plated", "gear", "(L2601)", "0", "5mm", "scratch", "no", "rust",
    ]  # fmt: skip


@given(st.one_of(INSPECTOR, st.text(max_size=20)))
def test_every_normalised_character_has_its_origin(text: str) -> None:
    plain, at = normalise(text), origins(text)
    assert len(at) == len(plain) + 1
    assert at == sorted(at)
    assert at[-1] == len(text)


def test_origins_lead_back_to_the_width_that_was_written() -> None:
    text = "ｶﾞﾀと㎜とﾊﾞﾘ"
    plain, at = normalise(text), origins(text)
    assert plain == "ガタとmmとバリ"
    start = plain.index("バリ")
    assert text[at[start] : at[start + 2]] == "ﾊﾞﾘ"
