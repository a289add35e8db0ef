"""Where the stages of a run stand, as its events tell: begun, how far, done."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from realign_edge.monitoring.model import StageName

STAGES: tuple[StageName, ...] = get_args(StageName)
# What an event says about a stage without naming it.
_IMPLIED: Mapping[str, tuple[StageName, str]] = {
    "started": ("index", "begun"),
    "pairs": ("pairs", "done"),
    "plan": ("train", "begun"),
    "resumed": ("train", "begun"),
    "step": ("train", "begun"),
    "best": ("train", "done"),
    "evaluated": ("evaluate", "done"),
    "not_evaluated": ("evaluate", "done"),
    "exported": ("export", "done"),
    "not_exported": ("export", "done"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of one stage. begun, ended, told: seconds since the epoch; rate: units per second."""

    begun: float | None = None
    ended: float | None = None
    unchanged: bool = False
    task: str = ""
    unit: str = ""
    done: int = 0
    total: int = 0
    rate: float | None = None
    told: float = 0.0


def number(event: Mapping[str, Any], key: str) -> float | None:
    """A figure of an event, None where it has none that is finite."""
    value = event.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def whole(event: Mapping[str, Any], key: str) -> int:
    """A count of an event, 0 where it has none."""
    value = number(event, key)
    return int(value) if value is not None and 0 <= value < 2**53 else 0


def stage_of(value: object) -> StageName | None:
    """A stage's name, None for anything else."""
    return next((name for name in STAGES if name == value), None)


def progress_of(about: Mapping[str, Any], mark: Mark, told: float) -> Mark:
    """A mark with what a heartbeat or a progress event says about how far its stage is."""
    return replace(
        mark,
        task=str(about.get("task") or mark.task)[:80],
        unit=str(about.get("unit") or mark.unit)[:20],
        done=whole(about, "done"),
        total=whole(about, "total"),
        rate=number(about, "rate"),
        told=told,
    )


class Marks:
    """All stages since the last start; what was said before it no longer holds."""

    def __init__(self) -> None:
        self.since, self._found = 0.0, dict[StageName, Mark]()
        # The last training step; there may be a million of them, so that they are not worked out one by one.
        self._step: tuple[float, Mapping[str, Any]] = (0.0, {})

    def of(self, stage: StageName) -> Mark | None:
        """What is known of a stage, None before it begins."""
        mark, (time, step) = self._found.get(stage), self._step
        if stage != "train" or mark is None or not step or time < max(self.since, mark.told):
            return mark
        about = {"task": "Training", "unit": "steps", "done": step.get("step"), "total": step.get("steps")}
        left, more = number(step, "seconds_left"), whole(step, "steps") - whole(step, "step")
        return progress_of({**about, "rate": more / left if left and more > 0 else None}, mark, time)

    @property
    def current(self) -> StageName:
        """The last one that has begun."""
        begun = [name for name in STAGES if name in self._found]
        return begun[-1] if begun else "index"

    def take(self, kind: str, event: Mapping[str, Any], time: float) -> None:
        """One event; those of before the last start are passed over."""
        if time < self.since:
            return
        if kind == "step":
            if time >= self._step[0]:
                self._step = (time, event)
            if "train" in self._found:
                return
        if kind == "started":
            self.since, self._found = time, {}
        if kind == "stage":
            self._say(stage_of(event.get("stage")), str(event.get("state")), time)
        elif kind in _IMPLIED:
            self._say(*_IMPLIED[kind], time)
        if kind == "progress":
            self._progress(stage_of(event.get("stage")), event, time)

    def _say(self, stage: StageName | None, state: str, time: float) -> None:
        if stage is None:
            return
        mark = self._found.get(stage, Mark())
        if state == "begun":
            mark = replace(mark, begun=time if mark.begun is None else min(mark.begun, time))
        elif state in ("done", "unchanged"):
            mark = replace(mark, ended=time, unchanged=state == "unchanged")
        self._found[stage] = mark

    def _progress(self, stage: StageName | None, event: Mapping[str, Any], time: float) -> None:
        if stage is not None and time >= (mark := self._found.get(stage, Mark(begun=time))).told:
            self._found[stage] = progress_of(event, mark, time)
