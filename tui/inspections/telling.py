"""Verdicts in words: a line of the list, the watcher, the chain, a row in full."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath

from realign_edge.glossary.model import Glossary
from realign_edge.photos.text import clean
from realign_edge.results.follow import Final, Row
from realign_edge.results.model import Disposition, Inspection, Neighbour, Refused
from realign_edge.sentences.translate import spoken
from realign_edge.station.watching.pulse import WatcherPulse
from tui.frame.cells import fit, tail
from tui.frame.listing import Pieces
from tui.inspections.feed import Checked, Opened
from tui.inspections.names import NO_NAMES
from tui.words import Words

SIGNS: dict[Final, str] = {"REVIEW": "?", "FAIL": "✗", "RETAKE": "↻", "PASS": "✓", "REFUSED": "!"}
LOOKS: dict[Final, str] = {"REVIEW": "accent", "FAIL": "stopped", "RETAKE": "attention", "PASS": "ok",
                           "REFUSED": "dim"}  # fmt: skip
ORDER: dict[Final, int] = {"REVIEW": 0, "FAIL": 1, "RETAKE": 2, "PASS": 3, "REFUSED": 4}
FILTERS: dict[str, frozenset[Final]] = {
    "all": frozenset(ORDER),
    "review": frozenset(("REVIEW",)),
    "fail": frozenset(("FAIL", "RETAKE")),
    "pass": frozenset(("PASS",)),
}
_VERDICT, _TIME = 7, 5
# A list of this width has room for the time, and for the folder before a file's name.
_TIMED, _WHOLE = 34, 44


def arranged(rows: Sequence[Row], chosen: str) -> list[int]:
    """Numbers of the rows that a filter lets through: those that wait, longest first; then FAIL, RETAKE, PASS and
    refused files, the newest first."""
    kept = [row for row in rows if row.final in FILTERS[chosen]]
    return [row.number for row in sorted(kept, key=_rank)]


def _rank(row: Row) -> tuple[int, int]:
    order = ORDER[row.final]
    return order, row.number if order == 0 else -row.number


def row_line(row: Row, width: int, today: str) -> Pieces:
    """Sign, verdict, time (or another day) where there is room, name; ✎ where a person has decided.

    today: as 2026-11-26.
    """
    look = LOOKS[row.final]
    moment, pieces = local(row.at), [(f"{SIGNS[row.final]} ", look), (fit(row.final, _VERDICT), look)]
    pieces.append(("✎ " if row.said is not None else "  ", "accent"))
    left = width - 2 - _VERDICT - 2
    if width >= _TIMED:
        when = moment[11:16] if moment[:10] == today else moment[5:10]
        pieces.append((fit(when, _TIME) + " ", "dim"))
        left -= _TIME + 1
    name = clean(row.name)
    short = name if width >= _WHOLE else PurePosixPath(name).name
    return [*pieces, (fit(tail(short, left), left), "")]


def local(moment: str) -> str:
    """UTC, ISO 8601, as `2026-11-26 01:35:31` of this machine; as it is where it is no time."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return clean(moment)[:19]


def ago(words: Words, seconds: float) -> str:
    """`5 s`, `3 min`, `2 h`, `4 days`."""
    for least, name, size in ((2 * 86400, "days", 86400), (5400, "hours", 3600), (90, "minutes", 60)):
        if seconds >= least:
            return words(f"inspections.ago_{name}", n=round(seconds / size))
    return words("inspections.ago_seconds", n=round(seconds))


def watcher_line(words: Words, pulse: WatcherPulse | None, width: int) -> tuple[str, str]:
    """What the watcher does, and how it looks."""
    if pulse is None:
        return f"○ {words('inspections.never_watched')}", "dim"
    folder = tail(pulse.folder, max(width - 52, 14))
    if pulse.state == "watching":
        parts = [words("inspections.watching", folder=folder)]
        if pulse.waiting:
            parts.append(words("inspections.in_hand", n=pulse.waiting))
        if pulse.event_age_s is not None:
            parts.append(words("inspections.last_photo", ago=ago(words, pulse.event_age_s)))
        return "● " + " · ".join(parts), "ok"
    name = {"waiting for the folder": "waits_for_folder", "silent": "silent", "failed": "failed", "gone": "gone"}.get(
        pulse.state, "not_watching"
    )
    age = ago(words, pulse.age_s) if pulse.age_s is not None else words("common.nothing")
    text = words(f"inspections.{name}", folder=folder, ago=age, why=spoken(pulse.words, words.language))
    look = "dim" if name == "not_watching" else "stopped" if name in ("failed", "gone") else "attention"
    return f"{'○' if look == 'dim' else '!'} {text}", look


def chain_line(words: Words, checked: Checked | None, last: int, checking: bool) -> tuple[str, str]:
    """Is all as it was written?"""
    if checking:
        return words("inspections.chain_checking"), "dim"
    if checked is None:
        return words("inspections.chain_unknown"), "dim"
    if checked.problems:
        return f"✗ {words('inspections.chain_broken', n=len(checked.problems))}", "stopped"
    new = last - checked.last
    if new > 0:
        return f"✓ {words('inspections.chain_whole_to', n=checked.last, new=new)}", "ok"
    return f"✓ {words('inspections.chain_whole', n=checked.last)}", "ok"


def said_line(words: Words, said: Disposition, names: Glossary = NO_NAMES) -> str:
    """A decision in one sentence."""
    seen = _seen(words, names, said.defects, said.locations)
    more = " · ".join(clean(t) for t in (said.reason, seen, said.note) if t)
    text = words(f"inspections.said_{said.decision}", person=clean(said.operator), verdict=said.verdict,
                 at=local(said.decided_at)[:16])  # fmt: skip
    return " ".join(text.split()) + (f"{words('inspections.colon')}{more}" if more else "")


def _seen(words: Words, names: Glossary, defects: Sequence[str], locations: Sequence[str]) -> str:
    """Defects with their places; locations are parallel, or fewer."""
    places = (*locations, *[""] * len(defects))
    mark = "; " if words.language == "en" else "、"
    return mark.join(_at(words, names, d, p) for d, p in zip(defects, places, strict=False))


def _at(words: Words, names: Glossary, defect: str, place: str) -> str:
    defect, place = (clean(names.called(name, words.language)) for name in (defect, place))
    return words("inspections.at", defect=defect, place=place) if place else defect


def near_caption(words: Words, neighbour: Neighbour, names: Glossary) -> list[str]:
    """Similarity and what the record says; then the file."""
    seen = _seen(words, names, neighbour.defects, neighbour.locations)
    return [f"{neighbour.similarity:.2f}  {clean(seen or neighbour.note)}", clean(neighbour.name)]


def details(words: Words, opened: Opened) -> Iterator[tuple[str, str, str]]:
    """Label, text and look of each line of a row in full; an empty label goes on with the one above."""
    content = opened.entry.content
    if isinstance(content, Refused):
        yield words("inspections.refused"), spoken(clean(content.reason), words.language), "attention"
        yield "", words("inspections.refused_do"), "dim"
        yield words("inspections.when"), local(content.refused_at), ""
        return
    if isinstance(content, Disposition):
        return
    yield from _people(words, opened)
    yield words("inspections.says"), clean(content.description), ""
    if not content.reasons:
        yield words("inspections.why"), words("inspections.no_reason"), "dim"
    for number, reason in enumerate(content.reasons):
        yield words("inspections.why") if number == 0 else "", f"• {clean(reason.sentence)}", ""
    for number, f in enumerate(content.findings):
        figures = words("inspections.finding", grounding=_signed(f.grounding), confidence=_percent(f.confidence))
        seen = _at(words, opened.names, f.defect, f.location)
        yield words("inspections.found") if number == 0 else "", f"{seen}  {figures}", ""
    yield words("inspections.sure"), words("inspections.measures", familiarity=_number(content.familiarity),
                                           confidence=_percent(content.confidence)), ""  # fmt: skip
    yield from _near(words, content)
    yield from _origin(words, opened, content)


def _people(words: Words, opened: Opened) -> Iterator[tuple[str, str, str]]:
    said = [e.content for e in opened.decisions if isinstance(e.content, Disposition)]
    for number, one in enumerate(reversed(said)):
        label = words("inspections.person") if number == 0 else ""
        yield label, said_line(words, one, opened.names), "strong" if number == 0 else "dim"


def _near(words: Words, content: Inspection) -> Iterator[tuple[str, str, str]]:
    for number, n in enumerate(content.neighbours):
        label = words("inspections.like") if number == 0 else ""
        yield label, f"{n.similarity:.2f}  {clean(n.note) or clean(n.name)}", "dim"


def _origin(words: Words, opened: Opened, content: Inspection) -> Iterator[tuple[str, str, str]]:
    facts = [local(content.inspected_at), words("inspections.row", n=opened.entry.number)]
    facts += [words(f"inspections.of_{n}", value=clean(v)) for n, v in (
        ("lot", content.lot), ("serial", content.serial), ("station", content.station)) if v]  # fmt: skip
    facts.append(words("inspections.took", ms=_number(content.latency_ms, 0)))
    yield words("inspections.when"), " · ".join(facts), "dim"
    yield words("inspections.bundle"), clean(content.bundle_id), "dim"


def _number(value: float, digits: int = 2) -> str:
    return "–" if not math.isfinite(value) else f"{value:.{digits}f}"


def _signed(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:+.1f}"


def _percent(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{100 * value:.0f} %"
