"""One round of all duties, and what is remembered of it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from realign_edge.appliance.upkeep.duties import DUTIES
from realign_edge.appliance.upkeep.model import STATUS, Outcome, Shift
from realign_edge.errors import explain
from realign_edge.files import write_json
from realign_edge.runs.lock import work_lock


def go_round(shift: Shift, tell: Callable[[Outcome], None], only: Sequence[str] = ()) -> list[Outcome]:
    """Do every duty, or those that are named; each outcome is told as it comes. Those of a whole round are kept in
    status.json, which `doctor` reads; a part of one says nothing of the other duties.

    Raises:
        RealignError: another round is going on.
    """
    (shift.home / STATUS).parent.mkdir(exist_ok=True)
    outcomes: list[Outcome] = []
    with work_lock(shift.home / STATUS.parent / "lock", "realign-edge maintain", "wait for it"):
        for name, duty in DUTIES.items():
            if (only and name not in only) or shift.stopping():
                continue
            for outcome in _done(name, duty, shift):
                outcomes.append(outcome)
                tell(outcome)
        if only:
            return outcomes
        at = datetime.fromtimestamp(shift.now, UTC).isoformat(timespec="seconds")
        write_json(shift.home / STATUS, {"at": at, "outcomes": [asdict(o) for o in outcomes]})
    return outcomes


def _done(name: str, duty: Callable[[Shift], list[Outcome]], shift: Shift) -> list[Outcome]:
    try:
        return duty(shift)
    except Exception as failure:
        fact, fix = explain(failure) or (f"{type(failure).__name__}: {failure}", "please report it")
        return [Outcome(name, "failed", fact, fix)]
