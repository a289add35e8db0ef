"""Line breaking."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realign_edge.reports.pdf.wrap import cut, units, wrap


def _measure(text: str) -> float:
    return float(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text))


_TEXT = st.text(alphabet="ab Zx-/_.,、。「」ー傷さびのある部品（左）0", max_size=80)


@given(_TEXT, st.integers(2, 30))
def test_no_line_is_too_wide_and_no_character_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width, _measure)
    assert all(_measure(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(_TEXT, st.integers(4, 30), st.integers(1, 4))
def test_at_most_so_many_lines(text: str, width: int, most: int) -> None:
    lines = wrap(text, width, _measure, most)
    assert len(lines) <= most
    assert all(_measure(line) <= width for line in lines)


@given(_TEXT)
def test_units_are_the_text(text: str) -> None:
    assert "".join(units(text)) == text


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("rust at the lower edge", 12, ["rust at the", "lower edge"]),
        ("下端にさび、右側に傷。", 12, ["下端にさび、", "右側に傷。"]),
        ("下端にさび、右側に傷。", 10, ["下端にさ", "び、右側に", "傷。"]),  # a comma begins no line
        ("部品「左側」の傷", 6, ["部品", "「左", "側」の", "傷"]),  # a bracket ends no line
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("in/IMG_00012.jpg", 10, ["in/IMG_", "00012.jpg"]),
        ("L2600-001 is good", 10, ["L2600-001", "is good"]),
        ("", 5, [""]),
    ],
)
def test_examples(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width, _measure) == lines


def test_what_is_left_out_shows() -> None:
    assert cut("scratch at the edge", 10, _measure) == "scratch a…"
    assert wrap("one two three four", 7, _measure, 2)[-1].endswith("…")
