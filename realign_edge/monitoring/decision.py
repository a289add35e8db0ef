"""What the evaluation of a run came to, out of its evaluation.json, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from realign_edge.files import from_json
from realign_edge.monitoring.marks import number, whole
from realign_edge.monitoring.words import joined, known, percent

# evaluation.json has examples and figures; a file larger than this is none of ours.
_MOST_BYTES = 8 * 2**20
Outcome = Literal["adopted", "rejected", "undecided"]


@dataclass(frozen=True)
class Decision:
    """outcome: recommended or not, or nothing to decide on; values: what its sentence is filled with."""

    outcome: Outcome
    values: Mapping[str, object] = field(default_factory=dict)


def read_decision(path: Path) -> Decision | None:
    """None where there is no evaluation, or it cannot be read."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        value = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return decision_of(value) if isinstance(value, dict) else None


def decision_of(evaluation: Mapping[str, Any]) -> Decision | None:
    """Of an evaluation as the file has it."""
    decision = _part(evaluation, "decision")
    if "adopt" not in decision:
        return None
    chair = _part(_part(evaluation, "figures"), "chair_i")
    before, after = (number(_part(chair, side), "value") for side in ("before", "after"))
    if before is None or after is None:
        return Decision("undecided")
    reasons = decision.get("reasons")
    why = [known("why", str(r)[:200]) for r in (reasons if isinstance(reasons, list) else [])[:10]]
    values = {"before": percent(before), "after": percent(after), "n": whole(evaluation, "photos")}
    outcome: Outcome = "adopted" if decision["adopt"] is True else "rejected"
    return Decision(outcome, {**values, "why": joined(why, "why.separator")})


def _part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
