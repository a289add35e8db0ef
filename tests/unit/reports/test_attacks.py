"""Untrusted text in all four forms: it is shown, and does nothing else."""

import csv
import html.parser
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest

from realign_edge.photos.text import is_clean_name
from realign_edge.reports.html import inspection_html
from realign_edge.reports.inspection import Wanted, inspection_report
from realign_edge.reports.language import words
from realign_edge.reports.model import InspectionReport
from realign_edge.reports.pdf.inspection import inspection_pdf
from realign_edge.reports.pictures import nothing_at_hand
from realign_edge.reports.plain import inspection_json
from realign_edge.reports.sheet import inspection_csv
from realign_edge.reports.write import file_stem
from realign_edge.results.model import Entry, Finding, Inspection, Neighbour

Poisoned = Callable[..., InspectionReport]
_OURS = {
    "html", "head", "meta", "title", "style", "body", "svg", "symbol", "path", "use", "a", "main", "header", "p", "h1",
    "h2", "h3", "dl", "div", "dt", "dd", "code", "wbr", "section", "table", "thead", "tbody", "tfoot", "tr", "th", "td",
    "span", "small", "noscript", "script", "polyline", "rect", "circle", "text", "strong",
}  # fmt: skip


class Page(html.parser.HTMLParser):
    """Elements, attributes, and what stands in scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data


def test_no_text_becomes_markup_or_script(attack: str, poisoned: Poisoned) -> None:
    page = Page(inspection_html(poisoned(attack), words("en"), nothing_at_hand, 400))
    assert page.tags <= _OURS, page.tags - _OURS
    assert not [name for name in page.attributes if name.startswith("on") or name in ("src", "style")]
    assert len(page.scripts) == 2  # the data, and our script
    data: dict[str, Any] = json.loads(page.scripts[0])
    assert len(data["photos"]) == 30


def test_no_control_character_and_no_override_is_left(attack: str, poisoned: Poisoned) -> None:
    report = poisoned(attack)
    texts = [report.heading.title, report.heading.site, report.heading.number, *report.heading.lots]
    texts += [row.inspection.name for row in report.rows] + [row.inspection.description for row in report.rows]
    texts += [r.refused.reason for r in report.refused]
    texts += [n.note for row in report.rows for n in row.inspection.neighbours]
    assert all(map(is_clean_name, texts))
    for form in (inspection_csv(report, words("ja")), inspection_json(report)):
        assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", form)


def test_no_cell_is_a_formula(attack: str, poisoned: Poisoned) -> None:
    text = inspection_csv(poisoned(attack), words("en"))
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    cells = [cell for row in rows[1:] for cell in row]
    assert len({len(row) for row in rows}) == 1
    for cell in cells:
        if cell.strip().startswith(("=", "+", "-", "@", "＝", "\t", "\r")):
            assert re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell), cell  # a number of ours


def test_a_figure_that_is_no_number_is_shown_as_none() -> None:
    """A model that computes nonsense says NaN; the report must say so, and not fail."""
    nan = float("nan")
    found = Finding("dent", "left", "dent at the left", nan, nan)
    near = Neighbour("a" * 64, "past.jpg", nan)
    about = ("b" * 64, "a.jpg", "2026-11-25T10:00:00+00:00", "REVIEW", (), "Gear.", "gear", (found,), (near,))
    entry = Entry(1, Inspection(*about, nan, nan, "bundle", "model", nan), "", "h")  # type: ignore[arg-type]
    report = inspection_report([entry], Wanted(datetime(2026, 11, 26, tzinfo=UTC)))
    page = Page(inspection_html(report, words("en"), nothing_at_hand, 400))
    assert json.loads(page.scripts[0])["photos"][0][13:15] == [None, None]
    assert "nan" not in inspection_csv(report, words("en")).lower()
    assert "NaN" not in inspection_json(report)
    text = " ".join(p.extract_text() for p in pypdf.PdfReader(_pdf(report)).pages)
    assert "past.jpg" in text and "nan" not in text


def _pdf(report: InspectionReport) -> io.BytesIO:
    return io.BytesIO(inspection_pdf(report, words("en"), nothing_at_hand, 48))


def test_json_holds_the_text_and_nothing_is_lost(attack: str, poisoned: Poisoned) -> None:
    report = poisoned(attack)
    value = json.loads(inspection_json(report))
    assert [p["name"] for p in value["photos"]] == [row.inspection.name for row in report.rows]


def test_the_pdf_holds_the_text_as_text(poisoned: Poisoned, attacks: dict[str, str]) -> None:
    data = inspection_pdf(poisoned(*attacks.values()), words("en"), nothing_at_hand, 48)
    reader = pypdf.PdfReader(io.BytesIO(data))
    root: Any = reader.trailer["/Root"]
    assert not {"/AA", "/AcroForm", "/Names"} & set(root)
    assert isinstance(root.get("/OpenAction"), list)  # a place on page 1, no action
    assert not [page for page in reader.pages if "/Annots" in page or "/AA" in page]
    text = " ".join(page.extract_text() for page in reader.pages)
    for name in ("markup", "template", "format", "formula", "pdf", "xml"):
        assert attacks[name][:24].replace(" ", "") in re.sub(r"\s", "", text), name


@pytest.mark.parametrize(
    "number", ["../../etc/passwd", "/abs", "a b;c", "..", "", ".hidden", "x" * 999, "報告-1", "-rf"]
)
def test_a_report_number_is_no_path(number: str) -> None:
    stem = file_stem(number)
    assert "/" not in stem and ".." not in stem[:2] and 0 < len(stem) <= 100
    assert not stem.startswith(".")


def test_a_long_text_is_cut_in_the_page_and_whole_in_json(poisoned: Poisoned, attacks: dict[str, str]) -> None:
    report = poisoned(attacks["long word"])
    assert len(inspection_html(report, words("en"), nothing_at_hand, 400)) < 500_000
    assert attacks["long word"] in inspection_json(report)
