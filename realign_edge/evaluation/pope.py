"""POPE: yes/no questions about objects that are, and that are not, in the photo.

Li et al. 2023, arXiv 2305.10355. Per setting, each defect that is there is asked about once, and as
many that are not: chosen at random, among the most frequent, or (adversarial) among those that
most often go with the photo's part in `habits`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from realign_edge.glossary.facts import Facts
from realign_edge.glossary.questions import parse_yes_no, yes_no_question

SETTINGS = ("random", "popular", "adversarial")
Habits = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Probe:
    """One question: `index` of the photo in the evaluated sequence, the defect asked about, the truth."""

    index: int
    defect: str
    answer: bool
    setting: str
    question: str


def habits_of(facts: Iterable[Facts]) -> dict[str, dict[str, float]]:
    """How often each defect goes with each part, from records."""
    counts: dict[str, Counter[str]] = {}
    for fact in facts:
        counts.setdefault(fact.part, Counter()).update(fact.defects.keys())
    return {part: {d: float(n) for d, n in c.items()} for part, c in counts.items()}


def build_probes(
    facts: Sequence[Facts],
    defects: Sequence[str],
    habits: Habits,
    seed: int,
    question: Callable[[str], str] = yes_no_question,
) -> list[Probe]:
    """As many "no" as "yes" questions per photo and setting; a photo without defects gets one "no" question.

    question: asks whether a defect is there.
    """
    frequent = [d for d, _ in Counter(d for f in facts for d in f.defects).most_common()]
    popular = frequent + [d for d in defects if d not in frequent]
    rng = np.random.default_rng([seed, 31])
    probes = []
    for index, fact in enumerate(facts):
        present = [d for d in defects if d in fact.defects]
        absent = [d for d in defects if d not in fact.defects]
        shuffled = [absent[i] for i in rng.permutation(len(absent))]
        habit = habits.get(fact.part, {})
        negatives = {
            "random": shuffled,
            "popular": [d for d in popular if d in absent],
            "adversarial": sorted(shuffled, key=lambda d: -habit.get(d, 0.0)),
        }
        for setting in SETTINGS:
            asked = [(d, True) for d in present] + [(d, False) for d in negatives[setting][: max(1, len(present))]]
            probes += [Probe(index, d, truth, setting, question(d)) for d, truth in asked]
    return probes


def pope_counts(probes: Sequence[Probe], answers: Sequence[str], photos: int, setting: str) -> np.ndarray:
    """Per photo: (n, 3) float64 of questions, right answers, "yes" answers. An unreadable answer is wrong."""
    counts = np.zeros((photos, 3))
    for probe, text in zip(probes, answers, strict=True):
        if probe.setting == setting:
            said = parse_yes_no(text)
            counts[probe.index] += (1, said is probe.answer, said is True)
    return counts
