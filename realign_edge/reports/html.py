"""Reports as one HTML file: styles, scripts, data and pictures inside, and a policy that lets nothing else in."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from realign_edge.files import finite
from realign_edge.reports import charts
from realign_edge.reports.drawing import to_svg
from realign_edge.reports.language import Words
from realign_edge.reports.model import FINALS, InspectionReport
from realign_edge.reports.page_data import MOST_NEIGHBOURS, page_data
from realign_edge.reports.pictures import Album, Find, fill, worth_showing
from realign_edge.reports.rows import facts, headline, notes, origin_facts

TEMPLATES = Path(__file__).with_name("templates")
# Longest edge of an embedded photo in pixels, and all photos together in bytes before base64.
_EDGE, _BUDGET = 280, 12_000_000
# Width of a chart in points; the page stretches two of them over its width.
_CHART = 340.0


def inspection_html(report: InspectionReport, words: Words, find: Find, photos: int) -> str:
    """The page. photos: at most how many inspected photos are shown as pictures."""
    album = Album(find, _EDGE, _BUDGET)
    fill(album, worth_showing(report.rows, photos), MOST_NEIGHBOURS)
    pictured = sum(1 for row in report.rows if album.made.get(row.inspection.sha256))
    summary = report.summary
    return render(
        "inspection.html.j2",
        words,
        title=report.heading.title or words("title.inspection"),
        number=report.heading.number,
        data=page_data(report, words, album),
        report=report,
        finals=FINALS,
        facts=facts(report, words),
        notes=notes(report, words),
        waiting=sum(1 for row in report.rows if row.final == "REVIEW"),
        decided=any(row.dispositions for row in report.rows),
        origin=origin_facts(report, words),
        headline=headline(report, words),
        pictured=pictured,
        pareto=Markup(to_svg(charts.pareto(summary.defects, words, _CHART), "pareto")) if summary.defects else "",
        trend=Markup(to_svg(charts.trend(summary.trend, words, _CHART), "trend")) if summary.trend.periods else "",
    )


def render(template: str, words: Words, data: Any, **values: Any) -> str:
    """A template with the style sheet, the script and `data` inside; every value is escaped where it is put in."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters["hash"] = _grouped
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return environment.get_template(template).render(
        w=words,
        policy=policy(style, script),
        style=Markup(style),
        script=Markup(script),
        data=Markup(as_script_data(data)),
        **values,
    )


def policy(style: str, script: str) -> str:
    """Nothing is loaded from anywhere; only this style sheet and this script count; pictures are inline."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def as_script_data(value: Any) -> str:
    """JSON that no text in it can leave: `<` could end the element, U+2028 and U+2029 are line ends to old readers."""
    text = json.dumps(finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _grouped(text: str) -> Markup:
    """A hash with places where a line may break."""
    parts = [text[i : i + 8] for i in range(0, len(text), 8)]
    return Markup("<wbr>").join(parts)
