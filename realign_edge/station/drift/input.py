"""What drift is told from: the bundle's baseline, and the last rows of the results."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.bundle.contract import BASELINE, MANIFEST, STATION
from realign_edge.errors import MissingError
from realign_edge.files import from_json
from realign_edge.results.model import Disposition, Inspection
from realign_edge.results.query import Query
from realign_edge.results.store import Results
from realign_edge.station.drift.drift import Baseline, Drift, DriftSettings, drift
from realign_edge.station.drift.words import Language

_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What drift needs of a bundle."""

    bundle_id: str
    language: Language
    baseline: Baseline


def bundle_facts(folder: Path) -> BundleFacts:
    """Read them.

    Raises:
        MissingError: a file is missing or makes no sense.
    """
    manifest, station, baseline = (_read(folder / name) for name in (MANIFEST, STATION, BASELINE))
    try:
        values = tuple(map(float, baseline["familiarity"]))
        verdicts = {str(k): int(v) for k, v in baseline["verdicts"].items()}
        if not values or not all(-1.001 <= v <= 1.001 for v in values) or min(verdicts.values()) < 0:
            raise ValueError("it holds no familiarity, or numbers out of range")
        found = Baseline(values, verdicts["REVIEW"], sum(verdicts.values()))
        return BundleFacts(str(manifest["id"]), "ja" if station.get("language") == "ja" else "en", found)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise MissingError(
            f"{folder / BASELINE} makes no sense: {problem}", "export the bundle again on the workstation"
        ) from problem


def look(results: Results, facts: BundleFacts, settings: DriftSettings) -> Drift:
    """Compare the last inspections of a bundle with its baseline."""
    wanted = Query(kind="inspection", bundle_id=facts.bundle_id, newest=settings.last)
    entries = list(results.entries(query=wanted))
    recent = [e.content for e in entries if isinstance(e.content, Inspection)]
    numbers = [e.number for e in entries]
    decisions = {n: said for n in numbers if (said := _last_decision(results, n)) is not None}
    return drift(recent, decisions, numbers, results.count(facts.bundle_id), facts.baseline, settings)


def plain(found: Drift) -> dict[str, Any]:
    """As one JSON object."""
    return {
        "state": found.state,
        "signs": list(found.signs),
        "photos": found.photos,
        "looks": found.looks,
        "p": _number(found.p),
        "p_review": _number(found.p_review),
        "p_overruled": _number(found.p_overruled),
        "less_familiar": _number(found.less_familiar),
        "median_familiarity": _number(found.medians[0]),
        "median_familiarity_then": _number(found.medians[1]),
        **{
            name: {"share": _number(i.value), "low": _number(i.low), "high": _number(i.high), "n": i.n}
            for name, i in (
                ("review", found.review),
                ("review_then", found.review_then),
                ("overruled", found.overruled),
            )
        },
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _last_decision(results: Results, number: int) -> Disposition | None:
    said = results.decisions(number)
    content = said[-1].content if said else None
    return content if isinstance(content, Disposition) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST:
            raise ValueError("it is too large")
        value = from_json(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("it is no JSON object")
        return value
    except (OSError, ValueError, RecursionError) as problem:
        words = problem.strerror if isinstance(problem, OSError) else problem
        raise MissingError(
            f"{path} cannot be read: {words}", "install the bundle again, or export it anew on the workstation"
        ) from problem
