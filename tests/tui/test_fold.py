"""Folding: English between words, Japanese between characters, styles kept."""

import pytest
from rich.cells import cell_len
from rich.text import Text

from tui.frame.fold import fold, folded, hanging


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("the quick brown fox", 10, ["the quick", "brown fox"]),
        ("the quick", 4, ["the", "quic", "k"]),
        ("a  b", 80, ["a  b"]),
        ("", 5, [""]),
        ("one\n\ntwo", 5, ["one", "", "two"]),
        ("写真を読みました。", 10, ["写真を読み", "ました。"]),
        ("写真を読みま。した", 10, ["写真を読み", "ま。した"]),
        ("写真を読み。した", 10, ["写真を読", "み。した"]),
        ("写真（検証）です", 8, ["写真（検", "証）です"]),
        ("残り 0.8 GiB です", 9, ["残り 0.8", "GiB です"]),
        ("align-photos です", 8, ["align-ph", "otos で", "す"]),
    ],
)
def test_lines_are_full_and_words_whole(text: str, width: int, expected: list[str]) -> None:
    lines = fold(Text(text), width)
    assert [line.plain for line in lines] == expected
    assert all(cell_len(line.plain) <= width for line in lines)


def test_styles_stay_with_their_words() -> None:
    text = Text.assemble("there is ", ("heat tint", "underline"), " here")
    lines = fold(text, 14)
    assert [line.plain for line in lines] == ["there is heat", "tint here"]
    assert [str(line.spans[0].style) for line in lines] == ["underline", "underline"]
    assert folded(text, 14).plain == "there is heat\ntint here"


def test_what_goes_on_stands_further_in() -> None:
    assert hanging(Text("! one two\n→ three"), 7, 2).plain == "! one\n  two\n→ three"
    assert hanging(Text("x"), 7, 2).plain == "x"
