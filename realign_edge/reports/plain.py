"""The JSON form: everything that the report holds, under names that stay (docs/reports.md)."""

import functools
import json
from dataclasses import asdict, fields
from typing import Any

from realign_edge.files import finite
from realign_edge.reports.model import InspectionReport, Row, Share

INSPECTION_SCHEMA = "realign-edge/inspection-report/1"


def inspection_json(report: InspectionReport) -> str:
    """The file's text: one object, keys in a fixed order, times in ISO 8601 with their offset."""
    return dump(inspection_plain(report))


def dump(value: dict[str, Any]) -> str:
    """JSON with one key of the object a line, and one item of a list in it a line; NaN, unknown to JSON, is null."""
    lines = []
    for key, item in finite(value).items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            text = "[\n  " + ",\n  ".join(map(_line, item)) + "\n ]"
        else:
            text = _line(item)
        lines.append(f" {_line(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def inspection_plain(report: InspectionReport) -> dict[str, Any]:
    """The same as plain values."""
    head, summary, origin = report.heading, report.summary, report.origin
    return {
        "schema": INSPECTION_SCHEMA,
        "number": head.number,
        "title": head.title,
        "site": head.site,
        "made_at": head.made_at.isoformat(timespec="seconds"),
        "begins": head.begins.isoformat(timespec="seconds") if head.begins else None,
        "ends": head.ends.isoformat(timespec="seconds") if head.ends else None,
        "filters": asdict(head.filters),
        "stations": list(head.stations),
        "operators": list(head.operators),
        "lots": list(head.lots),
        "serials": list(head.serials),
        "summary": {
            "photos": summary.photos,
            "station": {v: share(s) for v, s in summary.station.items()},
            "final": {v: share(s) for v, s in summary.final.items()},
            "passed": share(summary.passed),
            "parts": share(summary.parts) if summary.parts else None,
            "people": {d: share(s) for d, s in summary.people.items()},
            "refused": summary.refused,
            "superseded": summary.superseded,
            "defects": [asdict(d) for d in summary.defects],
            "trend": {"step": summary.trend.step, "periods": [_period(p) for p in summary.trend.periods]},
        },
        "origin": {
            "bundles": dict(origin.bundles),
            "thresholds": dict(origin.thresholds),
            "chain": asdict(origin.chain),
            "version": origin.version,
        },
        "photos": [_photo(row) for row in report.rows],
        "refused": [{"row": r.number, **plain(r.refused)} for r in report.refused],
    }


def share(found: Share) -> dict[str, Any]:
    """A share with its interval."""
    return asdict(found)


def _period(found: Any) -> dict[str, Any]:
    start = found.start.isoformat(timespec="seconds")
    return {"start": start, "counts": dict(found.counts), "failed": share(found.failed)}


def _photo(row: Row) -> dict[str, Any]:
    """What the station recorded, as it recorded it, with what people said and what stands."""
    defects = [{"defect": defect, "location": place} for defect, place in row.defects]
    said = plain(row.dispositions)
    return {"row": row.number, "final": row.final, "defects": defects, **plain(row.inspection), "dispositions": said}


def plain(value: Any) -> Any:
    """Dataclasses as objects and tuples as lists, however deep."""
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return {name: plain(getattr(value, name)) for name in _names(type(value))}  # type: ignore[arg-type]


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))
