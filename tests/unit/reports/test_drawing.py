"""Vector drawings: their geometry, and the SVG that they become."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realign_edge.reports import charts
from realign_edge.reports.drawing import Box, Drawing, Label, Path, fitted, hatching, text_width, ticks, to_svg
from realign_edge.reports.language import LANGUAGES, words
from realign_edge.reports.model import DefectCount, InspectionReport, Language
from realign_edge.reports.pdf.paper import Paper

_SIZE = st.floats(1, 400)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_cover_the_values_in_even_steps(low: float, span: float, most: int) -> None:
    found = ticks(low, low + span, most)
    step = found[1] - found[0]
    assert found[0] <= low + step * 1e-6 and found[-1] >= low + span - step * 1e-6
    assert len(found) <= most + 3


@given(_SIZE, _SIZE)
def test_hatching_stays_within_the_box_at_45_degrees(w: float, h: float) -> None:
    for x1, y1, x2, y2 in hatching(Box(10, 20, w, h, "fail", True)):
        assert 10 - 1e-6 <= x1 <= x2 <= 10 + w + 1e-6
        assert 20 - 1e-6 <= y2 <= y1 <= 20 + h + 1e-6
        assert x2 - x1 == pytest.approx(y1 - y2, abs=1e-6)


@given(st.text(max_size=40), st.floats(10, 200))
def test_fitted_text_fits(text: str, width: float) -> None:
    assert text_width(fitted(text, width, 8), 8) <= width


@pytest.mark.parametrize(
    "text",
    [
        "W" * 40,
        "@%Mm" * 9,
        "مرحبا بالعالم " * 3,
        "超" * 20,
        "iiii" * 20,
        "한국어" * 9,
        "Descriptions with a hallucination ↓",
    ],
)
def test_a_label_is_no_wider_than_it_is_taken_for(text: str) -> None:
    """A page's own font, squares for what it lacks included."""
    paper = Paper(words("en"), "", "", datetime(2026, 11, 26, tzinfo=UTC))
    assert text_width(text, 8) >= paper.width(text, 8)


def test_svg_escapes_and_is_well_formed() -> None:
    drawing = Drawing(10, 10, (Label(0, 5, '<b>&"x"'), Path(((0, 0), (1, 1)), "ink")), "a < b & c")
    tree = ET.fromstring(to_svg(drawing, "x"))
    assert [child.text for child in tree] == ["a < b & c", '<b>&"x"', None]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [charts.HALF, charts.WHOLE])
def test_charts_stay_within_their_frame(
    language: Language, width: float, make: Callable[..., InspectionReport]
) -> None:
    found, w = make(400).summary, words(language)
    for drawing in (charts.pareto(found.defects, w, width), charts.trend(found.trend, w, width)):
        for shape in drawing.shapes:
            if isinstance(shape, Box):
                assert shape.x >= 0 and shape.x + shape.w <= width + 0.01
                assert shape.y >= 0 and shape.y + shape.h <= drawing.height + 0.01
            elif isinstance(shape, Path):
                assert all(-0.01 <= x <= width + 0.01 and -0.01 <= y <= drawing.height for x, y in shape.points)
        ET.fromstring(to_svg(drawing, "c"))


def test_bars_are_as_long_as_their_counts_and_the_rest_is_told_of() -> None:
    defects = [DefectCount(f"kind {i}", 40 - i, 2) for i in range(30)]
    drawing = charts.pareto(defects, words("en"), 400)
    full = [s for s in drawing.shapes if isinstance(s, Box) and not s.hatched and s.h == 10]
    assert len(full) == 12
    assert full[0].w / full[1].w == pytest.approx(40 / 39)
    assert any(isinstance(s, Label) and s.text == "other (19 kinds)" for s in drawing.shapes)
    assert full[-1].w / full[0].w == pytest.approx(sum(d.failed for d in defects[11:]) / 40)
