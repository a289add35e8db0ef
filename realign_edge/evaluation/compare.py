"""Before against after on the same photos: figures with intervals, tests, and the adoption decision."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realign_edge.evaluation.chair import COLUMNS, RATIOS
from realign_edge.evaluation.evaluate import Answers, Exam
from realign_edge.evaluation.pope import SETTINGS
from realign_edge.evaluation.settings import EvaluationSettings
from realign_edge.evaluation.statistics import (
    Interval,
    bootstrap_weights,
    difference_interval,
    mcnemar_exact,
    ratio_interval,
)
from realign_edge.glossary.questions import parse_yes_no

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """One metric before and after, each with its 95 % interval, and the paired difference."""

    metric: str
    before: Interval
    after: Interval
    difference: Interval

    @property
    def significant(self) -> bool:
        """The interval of the difference does not hold zero."""
        return self.difference.low > 0 or self.difference.high < 0


@dataclass(frozen=True)
class Comparison:
    """All figures; mcnemar_p: exact p-value over all probes of a setting; chosen_change: nats, mean over notes."""

    photos: int
    figures: Mapping[str, Figure]
    mcnemar_p: Mapping[str, float]
    chosen_change: float
    examples: tuple[dict[str, str], ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """For evaluation.json."""
        return {
            "photos": self.photos,
            "figures": {
                k: {p: asdict(getattr(f, p)) for p in ("before", "after", "difference")}
                for k, f in self.figures.items()
            },
            "mcnemar_p": dict(self.mcnemar_p),
            "chosen_change_nats": self.chosen_change,
            "examples": list(self.examples),
        }


def ratio_columns(answers: Answers) -> dict[str, tuple[Counts, Counts]]:
    """Every metric as two columns of per-photo counts, (n,) each, whose ratio of sums it is."""
    table = answers.chair.counts
    found = {m: tuple(table[:, COLUMNS.index(c)] for c in columns) for m, columns in RATIOS.items()}
    for setting in SETTINGS:
        found[f"pope_{setting}"] = (answers.pope[setting][:, 1], answers.pope[setting][:, 0])
    return found  # type: ignore[return-value]


def compare(exam: Exam, before: Answers, after: Answers, settings: EvaluationSettings) -> Comparison:
    """Paired over photos."""
    n = len(exam.photos)
    weights = bootstrap_weights(n, settings.resamples, settings.seed)
    old, new = ratio_columns(before), ratio_columns(after)
    figures = {
        m: Figure(
            m,
            ratio_interval(*old[m], weights),
            ratio_interval(*new[m], weights),
            difference_interval(old[m], new[m], weights),
        )
        for m in old
    }
    tests = {s: mcnemar_exact(_right(exam, before, s), _right(exam, after, s)) for s in SETTINGS}
    change = after.note_logps - before.note_logps
    mean = float(np.nanmean(change)) if np.isfinite(change).any() else float("nan")
    return Comparison(n, figures, tests, mean, _examples(exam, before, after))


def _right(exam: Exam, answers: Answers, setting: str) -> NDArray[np.bool_]:
    pairs = zip(exam.probes, answers.probe_answers, strict=True)
    return np.array([parse_yes_no(a) is p.answer for p, a in pairs if p.setting == setting], bool)


def _examples(exam: Exam, before: Answers, after: Answers, most: int = 3) -> tuple[dict[str, str], ...]:
    """Photos whose hallucination went away, then any whose answer changed."""
    column = COLUMNS.index("hallucinated")
    gain = before.chair.counts[:, column] - after.chair.counts[:, column]
    order = sorted(
        (i for i in range(len(exam.photos)) if before.notes[i] != after.notes[i]), key=lambda i: (-gain[i], i)
    )
    return tuple(
        {
            "photo": exam.photos[i].name,
            "record": exam.photos[i].record.note if exam.photos[i].record else "",  # type: ignore[union-attr]
            "before": before.notes[i],
            "after": after.notes[i],
        }
        for i in order[:most]
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """adopt, and why, in one sentence and in single reasons."""

    adopt: bool
    sentence: str
    reasons: Sequence[str]


def decide(comparison: Comparison, settings: EvaluationSettings) -> Decision:
    """Adopt when hallucination fell beyond chance and nothing else got worse beyond what is tolerated."""
    chair = comparison.figures["chair_i"]
    against = []
    if not chair.difference.high < 0:
        against.append("hallucination did not fall beyond chance")
    gates = (
        ("recall", settings.tolerated_recall_loss, "fewer real defects are named"),
        ("location", settings.tolerated_location_loss, "places are named less well"),
        ("pope_adversarial", settings.tolerated_pope_loss, "yes/no questions are answered less well"),
    )
    for metric, tolerated, words in gates:
        if comparison.figures[metric].difference.value < -tolerated:
            against.append(words)
    d = chair.difference
    if not np.isfinite(chair.before.value) or not np.isfinite(chair.after.value):
        return Decision(
            False,
            "No decision: the model names no part and no defect on the held-out photos.",
            ("no mentions",),
        )
    fell = (
        f"hallucinated mentions went from {chair.before.value:.1%} to {chair.after.value:.1%} "
        f"(difference {d.value * 100:+.1f} points, 95 % interval {d.low * 100:+.1f} to {d.high * 100:+.1f}, "
        f"n = {comparison.photos} photos)"
    )
    if against:
        return Decision(False, f"Do not adopt yet: {'; '.join(against)}; {fell}.", against)
    return Decision(True, f"Adopt: {fell}, and nothing else got worse.", ())
