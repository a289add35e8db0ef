"""What the scripts of an HTML inspection report work on: rows as short arrays, past photos and pictures once each."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from realign_edge.reports.inspection import moment
from realign_edge.reports.language import Words
from realign_edge.reports.model import InspectionReport, Row
from realign_edge.reports.pictures import Album
from realign_edge.reports.tidy import clipped
from realign_edge.results.model import Disposition, Neighbour

# What a person would not read on in a table; the CSV and JSON forms have every text in full.
MOST_TEXT = 600
MOST_NEIGHBOURS = 4
SCRIPT_WORDS = (
    "page", "verdict", "decision", "evidence", "table", "review", "people", "heading", "refused",
)  # fmt: skip


def page_data(report: InspectionReport, words: Words, album: Album) -> dict[str, Any]:
    """A JSON object; its keys are read by templates/report.js alone."""
    zone = report.zone
    past = _Past()
    return {
        "words": {section: words.strings[section] for section in SCRIPT_WORDS},
        "photos": [_row(row, words, past, zone) for row in report.rows],
        "past": past.rows,
        "pictures": uris(album.made),
        "refused": [
            [r.number, _time(r.refused.refused_at, words, zone), _text(r.refused.name), _text(r.refused.reason)]
            for r in report.refused
        ],
        "people": [_said(row, said, words, zone) for row in report.rows for said in row.dispositions],
    }


class _Past:
    """Past photos, each with its record stored once although many photos have it as a neighbour."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._places: dict[Neighbour, int] = {}

    def place(self, neighbour: Neighbour) -> int:
        """Its number in `rows`; similarity is not part of it."""
        key = Neighbour(neighbour.sha256, neighbour.name, 0.0, neighbour.note, neighbour.part, neighbour.defects)
        if key not in self._places:
            self._places[key] = len(self.rows)
            record = neighbour.note or ", ".join((neighbour.part, *neighbour.defects)).strip(", ")
            self.rows.append([neighbour.sha256, _text(neighbour.name), _text(record)])
        return self._places[key]


def _row(row: Row, words: Words, past: _Past, zone: Any) -> list[Any]:
    """The columns of report.js `C`, in their order."""
    found = row.inspection
    return [
        row.number,
        _time(found.inspected_at, words, zone),
        _text(found.name),
        _text(found.part),
        _text(found.lot),
        _text(found.serial),
        _text(found.station),
        found.verdict,
        row.final,
        [[_text(defect), _text(place)] for defect, place in row.defects],
        _text(found.description),
        [_text(r.sentence) for r in found.reasons],
        [[_text(f.phrase), round(f.grounding, 2), round(f.confidence, 2)] for f in found.findings],
        round(found.familiarity, 3),
        round(found.confidence, 3),
        [[past.place(n), round(n.similarity, 3)] for n in found.neighbours[:MOST_NEIGHBOURS]],
        [[d.decision, d.verdict, _text(d.operator), _time(d.decided_at, words, zone), _text(d.reason or d.note)]
         for d in row.dispositions],
        found.sha256,
    ]  # fmt: skip


def _said(row: Row, said: Disposition, words: Words, zone: Any) -> list[Any]:
    final = "RETAKE" if said.decision == "retake" else said.verdict or row.inspection.verdict
    return [
        row.number,
        _time(said.decided_at, words, zone),
        _text(row.inspection.name),
        row.inspection.verdict,
        final,
        said.decision,
        _text(said.operator),
        _text(said.reason or said.note),
    ]


def _time(text: str, words: Words, zone: Any) -> str:
    time = moment(text, zone)
    return words.short(time) if time else _text(text)


def _text(text: str) -> str:
    return clipped(text, MOST_TEXT)


def uris(pictures: Mapping[str, bytes | None]) -> dict[str, str]:
    """Pictures as data URIs, by hash."""
    held: Iterable[tuple[str, bytes | None]] = pictures.items()
    return {sha: f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" for sha, data in held if data}
