"""Reports of made-up entries, and texts that mean harm."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.verdicts import entries
from realign_edge.reports.inspection import Wanted, inspection_report
from realign_edge.reports.model import Filters, InspectionReport
from realign_edge.results.model import Disposition, Entry, Inspection, Refused

ATTACKS = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "attribute": "\" onmouseover='alert(3)' x=\"",
    "end of data": "</script><!--<script>",
    "template": "{{ 7*7 }}{% raw %}${7*7}",
    "format": "{0} {number} %s %n",
    "formula": "=cmd|'/c calc'!A1",
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(A1)",
    "tab": "\t=1+1",
    "wide formula": "＝1+1",
    "spaces": "   =1+1",
    "new line": "a\r\n=1+1",
    "terminal": "\x1b[31mred\x1b]0;title\x07",
    "control": "a\x00b\x08c\x7fd\x85e",
    "override": "photo\u202egpj.exe",
    "isolate": "\u2066x\u2069\u200fy",
    "invisible": "pa\u200bss\u00ad\U000e0041",
    "marks": "Z" + "\u0301" * 200,
    "surrogate": "half \udc8f",
    "lines": "a\u2028b\u2029c",
    "long word": "W" * 5000,
    "long Japanese": "傷" * 5000,
    "other scripts": "ไทย العربية עברית 😀 한국어",
    "pdf": ") Tj ET /JavaScript (x) \\ (",
    "xml": "]]> & &amp; &#0; <?xpacket?>",
}


@pytest.fixture(params=sorted(ATTACKS))
def attack(request: pytest.FixtureRequest) -> str:
    """One text of the corpus."""
    return ATTACKS[request.param]


@pytest.fixture
def attacks() -> dict[str, str]:
    """All of them."""
    return dict(ATTACKS)


@pytest.fixture
def make() -> Callable[..., InspectionReport]:
    """A report of entries, at a fixed time; keywords are those of `Wanted`, `Filters` and `inspection_report`."""

    def made(found: Iterable[Entry] | int = 40, filters: dict[str, str] | None = None, **more: Any) -> InspectionReport:
        passed = {key: more.pop(key) for key in ("thresholds", "problems") if key in more}
        wanted = Wanted(datetime(2026, 11, 25, 12, tzinfo=UTC), filters=Filters(**(filters or {})), **more)
        return inspection_report(entries(found) if isinstance(found, int) else found, wanted, **passed)

    return made


@pytest.fixture
def poisoned(make: Callable[..., InspectionReport]) -> Callable[..., InspectionReport]:
    """A report in which every text that comes from outside is the given one, or one of the given ones in turn."""

    def made(*texts: str) -> InspectionReport:
        found = []
        for entry in entries(30, seed=3):
            text, content = texts[entry.number % len(texts)], entry.content
            if isinstance(content, Inspection):
                finding = [replace(f, defect=text, location=text, phrase=text) for f in content.findings]
                near = [replace(n, name=text, note=text, part=text, defects=(text,)) for n in content.neighbours]
                why = tuple(replace(r, sentence=text) for r in content.reasons)
                content = replace(
                    content, name=text, description=text, part=text, findings=tuple(finding), neighbours=tuple(near),
                    reasons=why, lot=text, serial=text, operator=text, station=text, bundle_id=text, taken_at=text,
                )  # fmt: skip
            elif isinstance(content, Refused):
                content = replace(content, name=text, reason=text, station=text)
            else:
                assert isinstance(content, Disposition)
                content = replace(content, operator=text, reason=text, note=text, part=text)
            found.append(replace(entry, content=content))
        return make(found, site=texts[0], title=texts[0], number=texts[0])

    return made
