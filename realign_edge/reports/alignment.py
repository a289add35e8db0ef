"""The alignment report of a run: what its folder says, and what the catalog still knows of its photos and pairs."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from realign_edge.errors import MissingError
from realign_edge.evaluation.preference.result import PreferenceResult, run_result
from realign_edge.files import sha256_file
from realign_edge.reports.alignment_model import (
    AlignmentReport,
    AnswerChange,
    Curve,
    Data,
    Estimate,
    FigureChange,
    Pairs,
    Result,
    Training,
)
from realign_edge.reports.difference import marked
from realign_edge.reports.inspection import moment
from realign_edge.reports.past_pairs import catalog_facts
from realign_edge.reports.tidy import tidy
from realign_edge.runs.events import read_events
from realign_edge.runs.run import Run

CURVES = ("loss", "text_margin", "visual_margin", "text_accuracy", "visual_accuracy", "chosen_change")
METRICS = (
    "chair_i", "chair_s", "recall", "location", "attribute", "exact", "pope_random", "pope_popular",
    "pope_adversarial",
)  # fmt: skip
# The same as evaluation/compare.py, which cannot be imported where there is no torch.
LOWER_IS_BETTER = frozenset(("chair_i", "chair_s"))
# More points than this are not seen in a chart as wide as a page.
_MOST_POINTS = 300
_FILES = {
    "adapter": "adapter/adapter_model.safetensors",
    "evaluation": "evaluation.json",
    "config": "config.toml",
    "choices": "preference_test.jsonl",
}


@dataclass(frozen=True)
class About:
    """What the run does not say: the report's date (in its zone), number ("" for the usual), title and site."""

    made_at: datetime
    number: str = ""
    title: str = ""
    site: str = ""


def alignment_report(run: Run, home: Path, about: About) -> AlignmentReport:
    """Build it; what the run has not come to yet is absent."""
    events = list(read_events(run.folder / "events.jsonl"))
    said, inputs = run.about, {k: str(v) for k, v in dict(run.about.get("inputs", {})).items()}
    data, pairs = _data_and_pairs(said, inputs, events, home)
    settings = {k.removeprefix("setting "): v for k, v in inputs.items() if k.startswith("setting ")}
    evaluation = run.stages.get("evaluate", {}).get("outputs")
    return AlignmentReport(
        number=tidy(about.number) or f"AR-{run.run_id}",
        title=tidy(about.title),
        site=tidy(about.site),
        made_at=about.made_at,
        run_id=run.run_id,
        created=_created(str(said.get("created", "")), about),
        state=run.state,
        model=tidy(str(said.get("model", ""))),
        version=tidy(str(said.get("version", ""))),
        data=data,
        pairs=pairs,
        training=_training(events, run.stages.get("train", {}).get("outputs", {})),
        result=_result(evaluation) if evaluation else None,
        judged=run.state == "finished",
        preference=_preference(run),
        changed_by_review={
            str(k): int(n) for k, n in dict(_last(events, "pairs").get("changed_by_review", {})).items()
        },
        settings={tidy(k): tidy(v) for k, v in sorted(settings.items())},
        libraries={tidy(k): tidy(str(v)) for k, v in sorted(dict(said.get("libraries", {})).items())},
        hashes=_hashes(run, said, inputs),
    )


def _changed(told: Mapping[str, Any]) -> dict[str, int]:
    return {tidy(str(kind)): int(n) for kind, n in dict(told.get("changed_by_review", {})).items()}


def _preference(run: Run) -> PreferenceResult | None:
    """A damaged file of answers leaves the report without it."""
    try:
        return run_result(run.folder)
    except MissingError:
        return None


def _created(text: str, about: About) -> str:
    """Runs write local time without an offset; it is shown as it is."""
    time = moment(text, about.made_at.tzinfo) if about.made_at.tzinfo else None
    return text[:16].replace("T", " ") if time else tidy(text)


def _data_and_pairs(
    said: Mapping[str, Any], inputs: Mapping[str, str], events: list[dict[str, Any]], home: Path
) -> tuple[Data, Pairs]:
    started, built = _last(events, "started"), _last(events, "pairs")
    counts = {str(k): int(v) for k, v in dict(built.get("pairs", {})).items()}
    without = {tidy(str(k)): int(v) for k, v in dict(built.get("without_note", {})).items()}
    root = str(said.get("photos", ""))
    data = Data(tidy(root), int(started.get("photos", 0)), int(started.get("refused", 0)))
    found = catalog_facts(home / "catalog.sqlite", Path(root), inputs.get("photos or records", ""), counts)
    if found is None:
        return data, Pairs(counts, without, {})
    return found.data, Pairs(counts, without, found.passed_over, found.examples)


def _last(events: Iterable[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    return next((e for e in reversed(list(events)) if e.get("type") == kind), {})


def _training(events: list[dict[str, Any]], done: Mapping[str, Any]) -> Training:
    """A step that was trained again after an interruption counts as it was the last time."""
    steps = {int(e["step"]): e for e in events if e.get("type") == "step" and "step" in e}
    held = {int(e["step"]): e for e in events if e.get("type") == "held_out" and "step" in e}
    curves = {}
    for name in CURVES:
        train = tuple(_points(steps, name))
        if train:
            curves[name] = Curve(thinned(train), tuple(_points(held, name)))
    best, seconds = _last(events, "best"), done.get("seconds")
    return Training(
        curves,
        max(steps, default=0),
        int(best["step"]) if "step" in best else None,
        bool(best.get("ended_early", False)),
        float(seconds) if seconds is not None else None,
    )


def _points(events: Mapping[int, Mapping[str, Any]], name: str) -> Iterator[tuple[float, float]]:
    for step in sorted(events):
        value = events[step].get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            yield float(step), float(value)


def thinned(points: tuple[tuple[float, float], ...], most: int = _MOST_POINTS) -> tuple[tuple[float, float], ...]:
    """At most `most` points: means over neighbouring ones, so that no spike is left out altogether."""
    if len(points) <= most:
        return points
    edges = [round(i * len(points) / most) for i in range(most + 1)]
    groups = [points[a:b] for a, b in pairwise(edges)]
    return tuple((sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups)


def _result(value: Mapping[str, Any]) -> Result:
    """evaluation.json as it stands in the run's stages."""
    figures, decision = dict(value.get("figures", {})), dict(value.get("decision", {}))
    return Result(
        int(value.get("photos", 0)),
        tuple(_figure(m, figures[m]) for m in METRICS if m in figures),
        {str(k): float(p) for k, p in dict(value.get("mcnemar_p", {})).items() if p is not None},
        tuple(map(_answer, value.get("examples", []))),
        bool(decision.get("adopt", False)),
        tidy(str(decision.get("sentence", ""))),
        tuple(tidy(str(r)) for r in decision.get("reasons", [])),
    )


def _figure(metric: str, parts: Mapping[str, Mapping[str, Any]]) -> FigureChange:
    before, after, difference = (_estimate(parts[p]) for p in ("before", "after", "difference"))
    return FigureChange(metric, before, after, difference, metric in LOWER_IS_BETTER)


def _estimate(part: Mapping[str, Any]) -> Estimate:
    """null stands for a figure of nothing."""
    return Estimate(*(math.nan if part.get(k) is None else float(part[k]) for k in ("value", "low", "high")))


def _answer(example: Mapping[str, Any]) -> AnswerChange:
    before, after = marked(*(tidy(str(example.get(k, ""))) for k in ("before", "after")))
    return AnswerChange(tidy(str(example.get("photo", ""))), tidy(str(example.get("record", ""))), before, after)


def _hashes(run: Run, said: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, str]:
    found = {"identity": str(said.get("identity", ""))}
    found["photos_hash"] = inputs.get("photos or records", "")
    found["glossary_hash"] = inputs.get("glossary", "")
    for name, file in _FILES.items():
        if (run.folder / file).is_file():
            found[name] = sha256_file(run.folder / file)
    return {k: tidy(v) for k, v in found.items() if v}
