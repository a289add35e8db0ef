"""Events as lines that people read."""

from collections.abc import Callable, Mapping
from typing import Any

from realign_edge.monitoring.marks import number, stage_of, whole
from realign_edge.monitoring.model import Told
from realign_edge.monitoring.words import known, percent, sentence, told
from realign_edge.photos.text import clean

Event = Mapping[str, Any]
# The longest sentence of ours has 470 characters, and the words for it are found by the whole of it.
_MOST_WORDS = 1000


def text(event: Event, key: str) -> str:
    """A text of an event: one line, without control characters, bounded."""
    return " ".join(clean(event.get(key))[:_MOST_WORDS].split())


def _held_out(event: Event) -> Told:
    share, about = number(event, "text_accuracy"), {"step": whole(event, "step"), "n": whole(event, "pairs")}
    loss = _figure(number(event, "loss"))
    if share is None:
        return told("news.held_out", loss=loss, **about)
    return told("news.held_out_judged", loss=loss, share=percent(share), **about)


def _best(event: Event) -> Told:
    name = "best_early" if event.get("ended_early") is True else "best"
    return told(f"news.{name}", step=whole(event, "step"), done=whole(event, "done"))


def _pairs(event: Event) -> Told:
    pairs = event.get("pairs")
    return told("news.pairs", pairs=sum(whole(pairs, kind) for kind in pairs) if isinstance(pairs, dict) else 0)


def _stage(event: Event) -> Told | None:
    stage, state = stage_of(event.get("stage")), event.get("state")
    if stage is None or state not in ("begun", "done", "unchanged"):
        return None
    return told(f"news.{state}", stage=known("stage", stage))


def _evaluated(event: Event) -> Told:
    decision = event.get("decision")
    adopt = isinstance(decision, dict) and decision.get("adopt") is True
    return told("news.evaluated_yes" if adopt else "news.evaluated_no")


_LINES: Mapping[str, Callable[[Event], Told | None]] = {
    "started": lambda e: told("news.started", photos=whole(e, "photos")),
    "pairs": _pairs,
    "plan": lambda e: told("news.plan", gib=_figure(number(e, "predicted_gib"), 1)),
    "resumed": lambda e: told("news.resumed", step=whole(e, "step")),
    "held_out": _held_out,
    "checkpoint": lambda e: told("news.checkpoint", step=whole(e, "step")),
    "best": _best,
    "stage": _stage,
    "warning": lambda e: told("news.warning", message=sentence(text(e, "message"))),
    "evaluated": _evaluated,
    "not_evaluated": lambda _: told("news.not_evaluated"),
    "exported": lambda e: told("news.exported", bundle=text(e, "bundle")),
    "not_exported": lambda e: told("news.not_exported", reason=sentence(text(e, "reason"))),
    "stopped": lambda _: told("news.stopped"),
    "failed": lambda e: told("news.failed", error=sentence(text(e, "error"))),
    "finished": lambda _: told("news.finished"),
}


def line_of(kind: str, event: Event) -> Told | None:
    """What an event says in a line; None for what comes too often, is shown otherwise, or is not known."""
    write = _LINES.get(kind)
    return None if write is None else write(event)


def _figure(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
