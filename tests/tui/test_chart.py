"""Lines as braille: ticks, gaps, signs that tell two lines apart without colour."""

import math

import pytest
from rich.style import Style

from tui.dashboard.chart import Drawing, Line, drawn_lines
from tui.dashboard.plot import Frame, binned, decimals, line_dots, masks, ticks

STYLES = {name: Style() for name in ("first", "second", "axis", "title")}


def _text(drawing: Drawing, width: int = 40, height: int = 8) -> list[str]:
    strips = drawn_lines(drawing, width, height, STYLES)
    assert [strip.cell_length for strip in strips] == [width] * height
    return [strip.text for strip in strips]


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.13, 0.97, 3, (0.0, 0.5, 1.0)),
        (1.2, 2.45, 5, (1.0, 1.5, 2.0, 2.5)),
        (-1e-8, 3.9, 3, (0.0, 2.0, 4.0)),
        (-300.0, 1200.0, 5, (-500.0, 0.0, 500.0, 1000.0, 1500.0)),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, most: int, expected: tuple[float, ...]) -> None:
    assert ticks(low, high, most) == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.0, 5.0, -2.5, 1e-12, 3e8])
def test_constant_value_has_room_around_it(value: float) -> None:
    marks = ticks(value, value, 4)
    assert 2 <= len(marks) <= 4 and marks[0] < value < marks[-1]


@pytest.mark.parametrize(
    ("values", "expected"), [((0.0, 0.5, 1.0), 1), ((0.0, 20.0), 0), ((1.0, 1.25), 2), ((0, 1e-3), 3)]
)
def test_labels_have_as_many_decimals_as_they_need(values: tuple[float, ...], expected: int) -> None:
    assert decimals(values) == expected


def test_many_points_in_a_column_are_their_mean() -> None:
    frame = Frame(rows=1, columns=1, low=0, high=1, first=0, last=3)
    assert binned([(0, 0.0), (1, 1.0), (2, math.nan), (3, 0.5)], frame) == [(0, 0.5), (1, 0.5)]


def test_line_climbs_without_holes_and_breaks_at_nan() -> None:
    frame = Frame(rows=2, columns=2, low=0, high=7, first=0, last=3)
    assert set(line_dots([(0, 0.0), (1, 7.0)], frame)) >= {(7, 0), (0, 1)}
    assert len(list(line_dots([(0, 0.0), (1, 7.0)], frame))) == 8
    assert set(line_dots([(0, 0.0), (1, math.nan), (2, 7.0)], frame)) == {(7, 0), (0, 2)}


def test_dots_of_a_cell_are_the_bits_of_unicode() -> None:
    assert masks([(row, column) for row in range(4) for column in range(2)]) == {(0, 0): 0xFF}
    assert masks([(0, 0), (3, 1)]) == {(0, 0): 0x81}
    assert masks([(0, 0), (0, 2), (0, 4)], dotted=True) == {(0, 0): 1, (0, 2): 1}


def test_chart_tells_last_values_and_edges() -> None:
    text = _text(Drawing("Loss", [Line("", [(n + 1, 2.0 - n / 100) for n in range(100)])], unit="nats", below="step"))
    assert text[0].rstrip() == "Loss, nats  1.01"
    assert text[1].startswith("2.0┤") and text[-1].split() == ["1", "step", "100"]
    assert "●" in text[-2]


def test_two_lines_differ_without_colour() -> None:
    lines = [Line("text", [(0, 0.2), (9, 0.2)]), Line("visual", [(0, 0.8), (9, 0.8)])]
    text = _text(Drawing("Accuracy", lines, bounds=(0.0, 1.0), level=0.5, scale=100, unit="%", places=0))
    assert text[0].rstrip() == "Accuracy  ● text 20%  ○ visual 80%"
    assert text[1].startswith("100%┤") and text[-2].startswith("  0%┤")
    through = next(line for line in text if line.endswith("●"))
    dotted = next(line for line in text if line.endswith("○"))
    assert " " not in through[5:] and " " in dotted[5:]
    assert any("╌" in line for line in text)


def test_names_go_before_values_do() -> None:
    lines = [Line("a long name", [(0, 0.2)]), Line("another long name", [(0, 0.8)])]
    assert _text(Drawing("Margin", lines), width=30)[0].rstrip() == "Margin  ● 0.20  ○ 0.80"


@pytest.mark.parametrize(("values", "title"), [([], "Loss"), ([math.nan, math.nan], "Loss  –")])
def test_no_number_yet_is_told_in_words(values: list[float], title: str) -> None:
    text = _text(Drawing("Loss", [Line("", list(enumerate(values)))], waiting="when training begins"))
    assert text[0].rstrip() == title and "when training begins" in "".join(text[1:])


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 12])
@pytest.mark.parametrize("width", [12, 40, 150])
def test_every_size_is_filled(width: int, height: int) -> None:
    _text(Drawing("損失", [Line("学習", [(n, n * n) for n in range(50)])]), width, height)


def test_one_point_is_a_point() -> None:
    assert any("●" in line for line in _text(Drawing("Loss", [Line("", [(1, 2.5)])])))
