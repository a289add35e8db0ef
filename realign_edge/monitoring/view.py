"""From what a run's files told to what is shown of it: one for the present and for replays."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from realign_edge.monitoring.condition import Facts, judge
from realign_edge.monitoring.decision import Decision
from realign_edge.monitoring.marks import number, stage_of, whole
from realign_edge.monitoring.model import NOTHING, Machine, RunView, StageName, StageView, Told, Warned
from realign_edge.monitoring.stages import stage_views
from realign_edge.monitoring.story import Story
from realign_edge.monitoring.words import known
from realign_edge.photos.text import clean


@dataclass(frozen=True)
class Around:
    """What is known of a run besides its events. status: the last heartbeat ({} in a replay); checkpoint_at: when the
    newest one was written, seconds since the epoch; pinned: the photo whose sample is wanted."""

    run_id: str
    about: Mapping[str, Any]
    state: str
    status: Mapping[str, Any] = field(default_factory=dict)
    machine: Machine | None = None
    checkpoint_step: int | None = None
    checkpoint_at: float | None = None
    checkpoint_gib: float = 0.0
    decision: Decision | None = None
    asked: Literal["", "stop", "pause"] = ""
    pinned: str = ""
    log: tuple[str, ...] = ()
    problems: tuple[Told, ...] = ()


def view_of(story: Story, around: Around, now: float) -> RunView:
    """Everything that is shown at a moment."""
    until = _until(story)
    stages = stage_views(story.marks, around.status, around.state, until, now)
    news = max(story.newest, number(around.status, "time") or 0.0)
    age = max(now - news, 0.0) if news else None
    facts = replace(_facts(story, around, stages, until, age), ahead_s=max(news - now, 0.0))
    condition, warned = judge(facts)
    step, photos = story.latest.get("step", {}), clean(around.about.get("photos"))
    written = around.checkpoint_at
    return RunView(
        run_id=around.run_id,
        time=now,
        state=around.state,
        condition=condition,
        stages=stages,
        warnings=warned + _told_before(story, {condition.rule, *(w.rule for w in warned)}),
        curves=story.curves(),
        photos=photos,
        model=clean(around.about.get("model")),
        step=whole(step, "step"),
        steps=whole(step, "steps"),
        pairs_per_s=number(step, "pairs_per_s"),
        tokens_per_s=number(step, "tokens_per_s"),
        machine=around.machine,
        checkpoint_step=around.checkpoint_step,
        checkpoint_age_s=None if written is None else max(now - written, 0.0),
        news_age_s=age,
        sample=story.samples.view(around.pinned, photos),
        news=story.news,
        log=around.log,
        problems=around.problems,
    )


def _told_before(story: Story, spoken: set[str]) -> tuple[Warned, ...]:
    """What the run itself warned of, but for what a rule tells already."""
    return tuple(w for w in story.warnings if w.rule not in spoken)


def _until(story: Story) -> StageName:
    """The last stage that is to be done: known of a run that has finished, or that was told at its start."""
    for kind in ("finished", "started"):
        event = story.latest.get(kind, {})
        found = stage_of(event.get("until"))
        if found is not None and (number(event, "time") or 0.0) >= story.marks.since:
            return found
    return "export"


def _facts(story: Story, around: Around, stages: tuple[StageView, ...], until: StageName, age: float | None) -> Facts:
    status = around.status
    failed = story.latest.get("failed", {})
    # Between two stages it is still the one before.
    begun = [s for s in stages if s.state not in ("waiting", "left_out")]
    current = begun[-1] if begun else None
    ended = around.state == "finished"
    facts = Facts(
        around.state,
        news_age_s=age,
        step=whole(story.latest.get("step", {}), "step"),
        machine=around.machine,
        checkpoint_step=around.checkpoint_step,
        checkpoint_gib=around.checkpoint_gib,
        error=clean(status.get("error") or failed.get("error")),
        hint=clean(status.get("hint") or failed.get("hint")),
        decision=around.decision if ended and until in ("evaluate", "export") else None,
        not_exported=_not_exported(story) if ended else "",
        until=until,
        asked=around.asked,
    )
    if current is None:
        return facts
    # What training was like says nothing of the stages behind it.
    beat = story.pulse.beat if current.name == "train" else facts.beat
    counted = current.total > 0
    left = current.seconds_left
    return replace(facts, task=_task(current), seconds_left=left, beat=beat, step_s=_step_s(current), counted=counted)


def _task(stage: StageView) -> Told:
    return stage.task or known("stage", stage.name) or NOTHING


def _step_s(stage: StageView) -> float | None:
    return 1 / stage.rate if stage.rate else None


def _not_exported(story: Story) -> str:
    event = story.latest.get("not_exported", {})
    this_time = (number(event, "time") or 0.0) >= story.marks.since
    return clean(event.get("reason")) if event and this_time else ""
