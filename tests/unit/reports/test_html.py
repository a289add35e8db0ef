"""The page: one file, nothing from elsewhere."""

import base64
import hashlib
import json
import re
from collections.abc import Callable

import pytest

from realign_edge.reports.html import as_script_data, inspection_html
from realign_edge.reports.language import LANGUAGES, words
from realign_edge.reports.model import InspectionReport, Language
from realign_edge.reports.pictures import nothing_at_hand

Make = Callable[..., InspectionReport]


def _html(report: InspectionReport, language: Language = "en") -> str:
    return inspection_html(report, words(language), nothing_at_hand, 400)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [0, 1, 40])
def test_every_size_in_every_language(make: Make, language: Language, count: int) -> None:
    page = _html(make(count), language)
    assert page.startswith("<!doctype html>") and f'lang="{language}"' in page
    assert words(language)("title.inspection") in page


def test_nothing_is_named_that_lies_elsewhere(make: Make) -> None:
    page = _html(make(40))
    addresses = re.findall(r"(?:https?:)?//[^\s\"'<>)]+", page)
    assert {a for a in addresses if not a.startswith("http://www.w3.org/2000/svg")} <= {"// Everything", "//"}
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", page)
    assert "@import" not in page and "url(" not in page


def test_the_policy_names_exactly_this_style_sheet_and_script(make: Make) -> None:
    page = _html(make(1))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    for tag in ("style", "script"):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert text is not None
        digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
        # Quotes and plus signs are escaped in an attribute.
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert policy[1].startswith("default-src &#39;none&#39;")
    assert " style=" not in page  # the policy would block it


def test_data_cannot_leave_its_element() -> None:
    value = {"</script>": ["<!--", "\u2028", "&amp;", "傷"]}
    text = as_script_data(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def test_a_broken_chain_is_said_at_the_top(make: Make) -> None:
    assert "NOT INTACT, problems found: 3" in _html(make(2, problems=3)).split("<table")[0]
    assert "NOT INTACT" not in _html(make(2, problems=0)).split('id="data"')[0]


def test_a_verdict_filter_says_that_figures_cover_all(make: Make) -> None:
    page = _html(make(40, {"verdict": "FAIL"}))
    assert "The figures cover every photo of this period and lot (40)" in page


def test_rows_are_in_the_data_and_not_in_the_page(make: Make) -> None:
    page = _html(make(3000))
    before, data = page.split('<script id="data" type="application/json">')
    assert len(before) < 100_000
    assert len(json.loads(data.split("</script>")[0])["photos"]) == 3000
