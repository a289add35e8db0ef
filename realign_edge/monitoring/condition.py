"""Is all well? Rules in the order of their urgency; the first that holds gives the status sentence."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from realign_edge.monitoring.decision import Decision
from realign_edge.monitoring.model import NOTHING, Condition, Gpu, Level, Machine, StageName, Told, Warned
from realign_edge.monitoring.pulse import Beat
from realign_edge.monitoring.words import duration, known, percent, sections, sentence, told

# No heartbeat for so long is told; work whose steps take longer is given four of them, and work that has nothing to
# count, such as loading a model, has longer.
SILENT_S, SILENT_STEPS, UNCOUNTED_S = 40.0, 4.0, 180.0
# Clocks that are kept in step differ by less.
AHEAD_S = 60.0
# As the trainer's own warning (alignment/monitor.py, which needs torch).
FALLING_CHOSEN_NATS = -1.0
DISK_GIB, MEMORY_SHARE, GPU_MEMORY_SHARE, GPU_HOT_C = 2.0, 0.95, 0.985, 87.0

Values = Mapping[str, object]


@dataclass(frozen=True)
class Facts:
    """What the rules look at. news_age_s: since the last heartbeat or event; ahead_s: how far that lies in the
    clock's future; step_s: what a step takes;
    task: what it does now; counted: it tells how far it is; decision: of the evaluation; until: the last stage that
    was asked for."""

    state: str
    task: Told = NOTHING
    seconds_left: float | None = None
    news_age_s: float | None = None
    ahead_s: float = 0.0
    step_s: float | None = None
    counted: bool = True
    step: int = 0
    beat: Beat = field(default_factory=Beat)
    machine: Machine | None = None
    checkpoint_step: int | None = None
    checkpoint_gib: float = 0.0
    error: str = ""
    hint: str = ""
    decision: Decision | None = None
    not_exported: str = ""
    until: StageName = "export"
    asked: Literal["", "stop", "pause"] = ""


@dataclass(frozen=True)
class Rule:
    """name: that of its sentence; what to do is `<name>_do`; holds: values of the sentence, None where it does not."""

    name: str
    level: Level
    holds: Callable[[Facts], Values | None]
    serious: bool = True


def _if(holds: bool, **values: object) -> Values | None:
    return values if holds else None


def _from(f: Facts) -> Told:
    return told("words.the_start") if f.checkpoint_step is None else told("words.checkpoint", step=f.checkpoint_step)


def _ended(f: Facts, outcome: str) -> Values | None:
    """How a finished run came out; each outcome has a rule of its own."""
    found = f.decision
    judged = f.until in ("evaluate", "export")
    if f.state != "finished" or (found.outcome if found else "unjudged" if judged else "not_asked") != outcome:
        return None
    return {} if found is None else found.values


def _memory(f: Facts) -> Values | None:
    m = f.machine
    if m is None or not m.memory_total_gib or m.memory_used_gib is None:
        return None
    full = m.memory_used_gib > MEMORY_SHARE * m.memory_total_gib
    return _if(full, used=f"{m.memory_used_gib:.1f}", total=f"{m.memory_total_gib:.1f}")


def _disk(f: Facts) -> Values | None:
    free = f.machine.disk_free_gib if f.machine else None
    return _if(free is not None and free < max(DISK_GIB, 3 * f.checkpoint_gib), free=f"{free or 0.0:.1f}")


def _worst_gpu(f: Facts, badness: Callable[[Gpu], float]) -> Gpu | None:
    gpus = f.machine.gpus if f.machine else ()
    return max(gpus, key=badness) if gpus else None


def _gpu_memory(f: Facts) -> Values | None:
    gpu = _worst_gpu(f, lambda g: (g.memory_used_gib or 0.0) / (g.memory_total_gib or 1.0))
    if gpu is None or not gpu.memory_total_gib or gpu.memory_used_gib is None:
        return None
    full = gpu.memory_used_gib > GPU_MEMORY_SHARE * gpu.memory_total_gib
    return _if(full, used=f"{gpu.memory_used_gib:.1f}", total=f"{gpu.memory_total_gib:.1f}")


def _hot(f: Facts) -> Values | None:
    gpu = _worst_gpu(f, lambda g: g.temperature_c or 0.0)
    degrees = (gpu.temperature_c if gpu else None) or 0.0
    return _if(degrees >= GPU_HOT_C, degrees=f"{degrees:.0f}")


def _silent(f: Facts) -> Values | None:
    age, usual = f.news_age_s or 0.0, SILENT_S if f.counted else UNCOUNTED_S
    return _if(age > max(usual, SILENT_STEPS * (f.step_s or 0.0)), age=duration(age))


def _not_exported(f: Facts) -> Values | None:
    return _if(f.state == "finished" and bool(f.not_exported), reason=sentence(f.not_exported))


def _held_out(f: Facts) -> Values | None:
    held = f.beat.held_out
    return None if held is None else _if(held.falls, now=percent(held.now), best=percent(held.best), n=held.n)


# A run that has ended says so and nothing else.
ENDED: tuple[Rule, ...] = (
    Rule("gone", "stopped", lambda f: _if(f.state == "gone")),
    Rule("failed", "stopped", lambda f: _if(f.state == "failed", error=sentence(f.error), hint=sentence(f.hint))),
    Rule("interrupted", "stopped", lambda f: _if(f.state == "interrupted", checkpoint=_from(f))),
    Rule("stopped", "stopped", lambda f: _if(f.state == "stopped", checkpoint=_from(f))),
    Rule("rejected", "done", lambda f: _ended(f, "rejected")),
    Rule("not_exported", "done", _not_exported),
    Rule("adopted", "done", lambda f: _ended(f, "adopted")),
    Rule("undecided", "done", lambda f: _ended(f, "undecided")),
    Rule("unjudged", "done", lambda f: _ended(f, "unjudged")),
    Rule("finished_until", "done", lambda f: _if(f.state == "finished", stage=known("stage", f.until))),
)
# Of a run that goes on, the first that holds is the sentence, and the others are warnings.
TROUBLES: tuple[Rule, ...] = (
    Rule("loss_nan", "attention", lambda f: _if(f.beat.loss_is_nan, step=f.step)),
    Rule("disk_low", "attention", _disk),
    Rule(
        "loss_exploding",
        "attention",
        lambda f: _if(f.beat.explodes, now=f"{f.beat.loss or 0:.2f}", lowest=f"{f.beat.lowest or 0:.2f}"),
    ),
    Rule("memory_low", "attention", _memory),
    Rule("gpu_memory_low", "attention", _gpu_memory),
    Rule("clock_back", "attention", lambda f: _if(f.ahead_s > AHEAD_S, age=duration(f.ahead_s))),
    Rule("silent", "attention", _silent),
    Rule("gpu_hot", "attention", _hot),
    Rule(
        "chosen_falling",
        "attention",
        lambda f: _if((f.beat.chosen or 0.0) <= FALLING_CHOSEN_NATS, nats=f"{f.beat.chosen or 0:+.1f}"),
    ),
    Rule("held_out_falling", "attention", _held_out, serious=False),
)
PAUSED = Rule("paused", "attention", lambda f: _if(f.state == "paused"))


def _left(f: Facts) -> Values | None:
    return None if f.seconds_left is None else {"task": f.task, "left": duration(f.seconds_left)}


# Nothing is wrong.
WELL: tuple[Rule, ...] = (
    Rule("stopping", "ok", lambda f: _if(f.asked == "stop")),
    Rule("pausing", "ok", lambda f: _if(f.asked == "pause")),
    Rule("starting", "ok", lambda f: _if(f.state == "unknown" or not f.task)),
    Rule("well_left", "ok", _left),
    Rule("well", "ok", lambda f: {"task": f.task}),
)


def judge(facts: Facts) -> tuple[Condition, tuple[Warned, ...]]:
    """The status sentence, and what else is to be known, worst first."""
    for rule, values in _holding(ENDED, facts):
        return _said(rule, values, facts), ()
    troubles = list(_holding(TROUBLES, facts)) if facts.state in ("running", "paused") else []
    spoken = next(_holding((PAUSED,), facts), None) or next(iter(troubles), None) or next(_holding(WELL, facts))
    others = [t for t in troubles if t[0] is not spoken[0]]
    others.sort(key=lambda t: not t[0].serious)
    warned = tuple(Warned(r.name, r.serious, told(f"condition.{r.name}", **v)) for r, v in others)
    return _said(*spoken, facts), warned


def _holding(rules: tuple[Rule, ...], facts: Facts) -> Iterator[tuple[Rule, Values]]:
    for rule in rules:
        values = rule.holds(facts)
        if values is not None:
            yield rule, values


def _said(rule: Rule, values: Values, facts: Facts) -> Condition:
    sentence = told(f"condition.{rule.name}", **values)
    return Condition(rule.level, rule.name, sentence, _advice(rule.name, values), facts.asked)


def _advice(name: str, values: Mapping[str, Any]) -> Told:
    if name == "failed" and not values["hint"]:
        name = "failed_silently"
    return told(f"condition.{name}_do", **values) if f"{name}_do" in sections("en")["condition"] else NOTHING
