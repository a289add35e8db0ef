"""Rows of the results, in words and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from realign_edge.photos.text import clean
from realign_edge.results.model import Disposition, Entry, Inspection, Refused

_WIDTH, _INDENT = 80, 12


def plain(entry: Entry, said: Sequence[Entry]) -> dict[str, Any]:
    """A row as one JSON object."""
    kind = type(entry.content).__name__.lower()
    more = {"decisions": [{"row": d.number, **asdict(d.content)} for d in said]} if kind == "inspection" else {}
    return {"row": entry.number, "kind": kind, **asdict(entry.content), **more, "hash": entry.hash}


def line(entry: Entry, said: Sequence[Entry]) -> str:
    """A row in one line of a terminal."""
    content, at = entry.content, _local(said_at(entry))
    if isinstance(content, Inspection):
        decided = _decided(said) or (
            content.reasons[0].sentence if content.verdict != "PASS" and content.reasons else ""
        )
        words = f"{content.verdict:<7} {clean(content.name)}{f'  lot {clean(content.lot)}' if content.lot else ''}"
        text = f"{words}  {clean(decided or content.description)}"
    elif isinstance(content, Refused):
        text = f"refused {clean(content.name)}  {clean(content.reason)}"
    else:
        text = f"person  {_said(content)}, about row {content.entry}"
    return _cut(f"{entry.number:>6}  {at}  {' '.join(text.split()) if not isinstance(content, Inspection) else text}")


def page(entry: Entry, said: Sequence[Entry]) -> str:
    """A row in full."""
    lines = [f"Row         {entry.number}", f"When        {_local(said_at(entry))}"]
    content = entry.content
    if isinstance(content, Inspection):
        lines += _inspection(content)
        lines += [f"Person      row {d.number}: {_said(d.content)}" for d in said if isinstance(d.content, Disposition)]
    elif isinstance(content, Refused):
        lines += [f"Photo       {clean(content.name)}", f"Refused     {clean(content.reason)}"]
    else:
        lines += [f"Person      {_said(content)}", f"About       row {content.entry}"]
    return "\n".join(part for text in [*lines, f"Hash        {entry.hash}"] for part in _wrapped(text))


def _inspection(content: Inspection) -> Iterator[str]:
    yield f"Photo       {clean(content.name)}"
    yield f"SHA-256     {content.sha256}"
    for word, value in (
        ("Lot", content.lot),
        ("Serial", content.serial),
        ("Station", content.station),
        ("Operator", content.operator),
    ):
        if value:
            yield f"{word:<11} {clean(value)}"
    yield f"Verdict     {content.verdict}"
    yield from (f"            {clean(r.sentence)}" for r in content.reasons)
    yield f"Says        {clean(content.description)}"
    for f in content.findings:
        place = f", {clean(f.location)}" if f.location else ""
        yield f"Finding     {clean(f.defect)}{place}: grounding {f.grounding:+.2f}, confidence {f.confidence:.2f}"
    yield f"Familiar    {content.familiarity:.3f}; confidence {content.confidence:.2f}; {content.latency_ms:.0f} ms"
    for near in content.neighbours[:3]:
        yield f"Like        {near.similarity:.3f}  {clean(near.name)}  {clean(near.note)}".rstrip()
    yield f"Bundle      {content.bundle_id}"
    yield f"Model       {content.model_sha256}"


def said_at(entry: Entry) -> str:
    """When it was said: UTC, ISO 8601."""
    content = entry.content
    if isinstance(content, Inspection):
        return content.inspected_at
    return content.refused_at if isinstance(content, Refused) else content.decided_at


def _decided(said: Sequence[Entry]) -> str:
    last = said[-1].content if said else None
    return f"-> {_said(last)}" if isinstance(last, Disposition) else ""


def _said(said: Disposition) -> str:
    words = [said.decision, said.verdict, f"by {clean(said.operator)}"]
    places = (*said.locations, *[""] * len(said.defects))
    seen = "; ".join(f"{d}, {place}" if place else d for d, place in zip(said.defects, places, strict=False))
    more = "; ".join(clean(t) for t in (said.reason, seen, said.note) if t)
    return " ".join(filter(None, words)) + (f": {more}" if more else "")


def _local(text: str) -> str:
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return f"{clean(text)[:16]:<16}"


def _wrapped(text: str) -> list[str]:
    """A long line goes on below its beginning; Japanese has no blanks to part it at, and takes two places each."""
    from rich.text import Text

    from realign_edge.cli.console import PlainConsole

    label, words = text[:_INDENT], text[_INDENT:].strip()
    lines = Text(words).wrap(PlainConsole(), _WIDTH - _INDENT) if words else [Text("")]
    return [f"{label if i == 0 else '':<{_INDENT}}{part.plain.rstrip()}" for i, part in enumerate(lines)]


def _cut(text: str) -> str:
    """One line of a terminal, on which a Japanese character takes two places."""
    from rich.cells import cell_len

    if cell_len(text) <= _WIDTH:
        return text
    while cell_len(text) > _WIDTH - 1:
        text = text[:-1]
    return text + "…"
