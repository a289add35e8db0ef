"""Texts are made fit once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realign_edge.photos.text import is_clean_name
from realign_edge.reports.tidy import clipped, tidied, tidy
from realign_edge.results.model import Finding, Refused


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "Z", "C", "M"))))
def test_a_tidied_text_is_clean_and_stays_as_it_is(text: str) -> None:
    found = tidy(text)
    assert is_clean_name(found)
    assert tidy(found) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rust\n at\tthe  edge ", "rust at the edge"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("pa\u200bss", "pass"),
        ("髙橋 傷あり", "髙橋 傷あり"),
        ("Z" + "\u0301" * 50, "Z" + "\u0301" * 4),
    ],
)
def test_examples(text: str, found: str) -> None:
    assert tidy(text) == found


def test_texts_are_found_however_deep_and_nothing_is_copied_without_need() -> None:
    refused = Refused("a\x00b", "bad\nfile", "2026-04-01T00:00:00+00:00")
    assert tidied(refused) == Refused("ab", "bad file", "2026-04-01T00:00:00+00:00")
    clean = Finding("rust", "top", "rust at the top", 1.0, 0.5)
    assert tidied(clean) is clean


def test_clipping_keeps_to_the_limit_and_says_so() -> None:
    assert clipped("abc", 3) == "abc"
    assert clipped("abcd", 3) == "ab…"
