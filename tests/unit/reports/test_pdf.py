"""The PDF: its bytes, its fonts, its metadata, its pages, read back by pypdf, an implementation that is not ours."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest

from realign_edge.reports.language import LANGUAGES, words
from realign_edge.reports.model import InspectionReport, Language
from realign_edge.reports.pdf.inspection import inspection_pdf
from realign_edge.reports.pdf.paper import LEFT, MISSING, Paper
from realign_edge.reports.pictures import nothing_at_hand

Make = Callable[..., InspectionReport]


def _pdf(report: InspectionReport, language: Language = "en") -> bytes:
    return inspection_pdf(report, words(language), nothing_at_hand, 48)


def _fonts(reader: pypdf.PdfReader) -> list[Any]:
    found = {}
    for page in reader.pages:
        resources: Any = page["/Resources"]
        for name, font in resources["/Font"].items():
            found[name] = font.get_object()
    return list(found.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [0, 1, 200])
def test_every_page_says_which_it_is_of_how_many(make: Make, language: Language, count: int) -> None:
    reader = pypdf.PdfReader(io.BytesIO(_pdf(make(count), language)))
    pages = len(reader.pages)
    assert pages >= 2
    for i, page in enumerate(reader.pages, 1):
        assert words(language)("heading.page", page=i, pages=pages) in page.extract_text()


def test_japanese_text_is_text(make: Make) -> None:
    text = pypdf.PdfReader(io.BytesIO(_pdf(make(5, site="株式会社髙﨑製作所①"), "ja"))).pages[0].extract_text()
    for part in ("検査報告書", "株式会社髙﨑製作所①", "良品率", "作成", "照査", "承認", "95 % 信頼区間"):
        assert part in text, part


def test_the_same_report_gives_the_same_bytes(make: Make) -> None:
    assert _pdf(make(20)) == _pdf(make(20))
    assert _pdf(make(20)) != _pdf(make(21))


def test_what_pdf_a_2u_asks_for(make: Make) -> None:
    """ISO 19005-2: 6.2.11.4 embedded fonts, 6.2.11.7 Unicode, 6.2.4 output intent, 6.6 metadata, 6.1.3 an ID."""
    data = _pdf(make(30), "ja")
    reader = pypdf.PdfReader(io.BytesIO(data))
    root: Any = reader.trailer["/Root"]
    fonts = _fonts(reader)
    assert len(fonts) == 2
    for font in fonts:
        descendant = font["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in descendant["/FontDescriptor"].get_object()
        assert "/ToUnicode" in font and descendant["/CIDToGIDMap"] is not None
        assert re.match(r"/[A-Z]{6}\+", font["/BaseFont"])
    intent = root["/OutputIntents"][0]
    assert intent["/S"] == "/GTS_PDFA1" and intent["/DestOutputProfile"].get_object()["/N"] == 3
    xmp = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp and "<pdfaid:conformance>U</pdfaid:conformance>" in xmp
    assert "検査報告書" in xmp and reader.metadata is None  # no second set of facts that could differ
    assert "2026-11-25T12:00:00" in xmp and root["/Lang"] == "ja"
    assert "/ID" in reader.trailer and "/Encrypt" not in reader.trailer
    assert b"/ImageMask" not in data and b"/SMask" not in data and b"/LZWDecode" not in data


def test_a_glyph_that_the_fonts_lack_is_a_square_and_explained() -> None:
    paper = Paper(words("en"), "T", "N", datetime(2026, 1, 1, tzinfo=UTC))
    assert paper.known("scratch 傷 Größe") == "scratch 傷 Größe" and not paper.missing
    assert paper.known("ไทย😀") == MISSING * 4 and paper.missing
    paper.text(LEFT, 100, "😀")
    text = pypdf.PdfReader(io.BytesIO(paper.finish("foot"))).pages[0].extract_text()
    assert MISSING in text


def test_a_long_name_stays_on_the_page() -> None:
    paper = Paper(words("en"), "T", "N", datetime(2026, 1, 1, tzinfo=UTC))
    lines = paper.lines("W" * 3000, 200, 8)
    assert max(paper.width(line, 8) for line in lines) <= 200
    assert paper.width(paper.cut("W" * 3000, 200, 8), 8) <= 200


def test_the_outline_leads_to_every_section(make: Make) -> None:
    reader = pypdf.PdfReader(io.BytesIO(_pdf(make(60), "ja")))
    outline: list[Any] = reader.outline
    w = words("ja")
    sections = ("title.inspection", "review.section", "evidence.section", "people.section", "refused.section")
    assert [item.title for item in outline] == [*map(w, sections), w("table.section")]
    pages = [reader.get_destination_page_number(item) or 0 for item in outline]
    assert pages == sorted(pages) and pages[0] == 0
    for item, page in zip(outline, pages, strict=True):
        assert item.title in reader.pages[page].extract_text()
