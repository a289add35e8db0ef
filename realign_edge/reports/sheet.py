"""The CSV form: one line per photo, then one per refused file, as Excel and its relatives open it.

UTF-8 with a byte order mark, without which Excel reads Japanese in the machine's own code page; CRLF (RFC 4180).
"""

import csv
import io
import math
from collections.abc import Sequence

from realign_edge.reports.inspection import moment
from realign_edge.reports.language import Words
from realign_edge.reports.model import InspectionReport, RefusedRow, Row

# Excel keeps 32,767 characters of a cell.
_MOST_TEXT = 32_000
# What makes a spreadsheet take text for a formula or a command, in either width, also behind spaces
# (OWASP, "CSV Injection"); such text gets an apostrophe before it.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")
INSPECTION_COLUMNS = (
    "row", "time", "name", "part", "lot", "serial", "station", "operator", "verdict", "final", "defects", "location",
    "description", "reasons", "confidence", "familiarity", "nearest", "similarity", "decision", "person", "decided_at",
    "reason", "taken", "latency", "bundle", "model", "hash",
)  # fmt: skip
Value = str | int | float


def inspection_csv(report: InspectionReport, words: Words) -> str:
    """The file's text."""
    rows = [_photo(row, report, words) for row in report.rows]
    refused = [_refused(row, report, words) for row in report.refused]
    return sheet([words(f"table.{c}") for c in INSPECTION_COLUMNS], [*rows, *refused])


def sheet(head: Sequence[str], rows: Sequence[Sequence[Value]]) -> str:
    """CSV with a byte order mark; texts are quoted and cannot become formulae, numbers are not quoted."""
    held = io.StringIO()
    writer = csv.writer(held, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([[safe(v) if isinstance(v, str) else v for v in row] for row in rows])
    return "\ufeff" + held.getvalue()


def safe(text: str) -> str:
    """A text that a spreadsheet shows and does not run."""
    text = text[:_MOST_TEXT]
    risky = text.lstrip(" \t\r\n\u3000\u00a0").startswith(_FORMULA) or text.startswith(("\t", "\r", "\n"))
    return f"'{text}" if risky else text


def _photo(row: Row, report: InspectionReport, words: Words) -> list[Value]:
    found, said = row.inspection, row.decided
    near = found.neighbours[0] if found.neighbours else None
    return [
        row.number, _time(found.inspected_at, report), found.name, found.part, found.lot, found.serial,
        found.station, found.operator, words(f"verdict.{found.verdict}"), words(f"verdict.{row.final}"),
        "; ".join(d for d, _ in row.defects), "; ".join(place for _, place in row.defects), found.description,
        " ".join(r.sentence for r in found.reasons), _number(found.confidence, 4), _number(found.familiarity, 4),
        near.name if near else "", _number(near.similarity, 4) if near else "",
        words(f"decision.{said.decision}") if said else "", said.operator if said else "",
        _time(said.decided_at, report) if said else "", (said.reason or said.note) if said else "",
        _time(found.taken_at, report), _number(found.latency_ms, 1), found.bundle_id, found.model_sha256, found.sha256,
    ]  # fmt: skip


def _refused(row: RefusedRow, report: InspectionReport, words: Words) -> list[Value]:
    found = row.refused
    known: dict[str, Value] = {
        "row": row.number, "time": _time(found.refused_at, report), "name": found.name, "station": found.station,
        "final": words("table.refused"), "reasons": found.reason, "hash": found.sha256,
    }  # fmt: skip
    return [known.get(column, "") for column in INSPECTION_COLUMNS]


def _number(value: float, digits: int) -> Value:
    """An empty cell where there is no number: a spreadsheet takes `nan` for a word."""
    return round(value, digits) if math.isfinite(value) else ""


def _time(text: str, report: InspectionReport) -> str:
    """As spreadsheets take it for a time: 2026-11-25 21:59:03, in the report's zone."""
    time = moment(text, report.zone) if text else None
    return f"{time:%Y-%m-%d %H:%M:%S}" if time else text
