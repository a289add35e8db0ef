"""The five stages as a window shows them: state, how far, how fast, how long still, and when it ends by the clock."""

from collections.abc import Mapping
from typing import Any

from realign_edge.monitoring.marks import STAGES, Mark, Marks, number, progress_of, stage_of
from realign_edge.monitoring.model import StageName, StageState, StageView, Told
from realign_edge.monitoring.words import known

# What the state of a run means for the stage that it is in.
_STATES: Mapping[str, StageState] = {
    "running": "running",
    "paused": "paused",
    "failed": "failed",
    "stopped": "stopped",
    "interrupted": "stopped",
    "gone": "stopped",
    "unknown": "waiting",
}


def stage_views(
    marks: Marks, status: Mapping[str, Any], state: str, until: StageName, now: float
) -> tuple[StageView, ...]:
    """All stages in order. status: the last heartbeat, {} in a replay; until: the last stage that was asked for."""
    current = stage_of(status.get("stage")) if state != "finished" else until
    current = current or marks.current
    return tuple(_view(name, marks.of(name), status, state, current, until, now) for name in STAGES)


def _view(
    name: StageName,
    mark: Mark | None,
    status: Mapping[str, Any],
    state: str,
    current: StageName,
    until: StageName,
    now: float,
) -> StageView:
    told = number(status, "time") or 0.0
    if (
        mark is not None
        and name == status.get("stage")
        and (status.get("total") or status.get("task"))
        and told >= mark.told
    ):
        rate = mark.rate if name == "train" else None
        mark = progress_of({"rate": rate, **status}, mark, told)
    shown = _state(name, mark, state, current, until)
    mark = mark or Mark()
    left = _left(mark, now) if shown == "running" else None
    whole = shown == "done" and mark.total > 0
    return StageView(
        name,
        known("stage", name),
        shown,
        done=mark.total if whole else mark.done,
        total=mark.total,
        unit=known("unit", mark.unit),
        task=_task(mark.task),
        rate=mark.rate if shown == "running" else None,
        seconds_left=left,
        ends_at=None if left is None else now + left,
        took_s=_took(mark, shown, now),
    )


def _state(name: StageName, mark: Mark | None, state: str, current: StageName, until: StageName) -> StageState:
    place = STAGES.index(name)
    if place > STAGES.index(until):
        return "left_out"
    if mark is not None and mark.ended is not None:
        return "unchanged" if mark.unchanged else "done"
    if state == "finished" or place < STAGES.index(current):
        return "done"
    return _STATES.get(state, "waiting") if name == current else "waiting"


def _left(mark: Mark, now: float) -> float | None:
    """Seconds; since the last report the clock has gone on."""
    if not mark.total or not mark.rate or mark.rate <= 0:
        return None
    return max((mark.total - mark.done) / mark.rate - max(now - mark.told, 0.0), 0.0)


def _took(mark: Mark, shown: StageState, now: float) -> float | None:
    if mark.begun is None or shown in ("unchanged", "waiting", "left_out"):
        return None
    end = mark.ended if mark.ended is not None else now if shown in ("running", "paused") else mark.told or None
    return None if end is None else max(end - mark.begun, 0.0)


def _task(text: str) -> Told:
    """In `Parity: vision int8` the first word is one of ours."""
    first, colon, rest = text.partition(": ")
    said = known("task", first)
    return Told(f"{said.en}: {rest}", f"{said.ja}：{rest}") if colon else said
