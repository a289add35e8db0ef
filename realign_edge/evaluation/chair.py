"""CHAIR: how much of what an answer mentions is not in the photo.

Rohrbach et al. 2018, arXiv 1809.02156: CHAIR-i = hallucinated mentions / all mentions, CHAIR-s =
answers with at least one hallucination / all answers. The objects here are parts and defects.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realign_edge.glossary.facts import Facts
from realign_edge.glossary.findings import find_findings, find_terms
from realign_edge.glossary.model import Glossary

# Columns of the count matrix, one row per photo.
COLUMNS = (
    "mentioned", "hallucinated", "any_hallucination", "true_defects", "recalled", "placeable", "placed",
    "attributes", "attributes_right", "exact", "one",
)  # fmt: skip
# Every metric is a ratio of two column sums, so that it can be bootstrapped over photos.
RATIOS: Mapping[str, tuple[str, str]] = {
    "chair_i": ("hallucinated", "mentioned"),
    "chair_s": ("any_hallucination", "one"),
    "recall": ("recalled", "true_defects"),
    "location": ("placed", "placeable"),
    "attribute": ("attributes_right", "attributes"),
    "exact": ("exact", "one"),
}


@dataclass(frozen=True)
class ChairCounts:
    """counts: (n, len(COLUMNS)) float64, one row per photo; hallucinated: (part, defect) pairs that were not there."""

    counts: NDArray[np.float64]
    hallucinated: tuple[tuple[str, str], ...]

    def ratio(self, metric: str) -> float:
        """One of RATIOS over all photos; NaN where its denominator is 0."""
        top, bottom = (self.counts[:, COLUMNS.index(c)].sum() for c in RATIOS[metric])
        return float(top / bottom) if bottom else float("nan")

    def favourite_share(self, favourites: Mapping[str, str]) -> float:
        """Share of hallucinated defects that are the given favourite of the photo's part."""
        hits = [favourites.get(part) == defect for part, defect in self.hallucinated if defect]
        return float(np.mean(hits)) if hits else float("nan")

    def commonest(self, n: int = 5) -> list[tuple[str, int]]:
        """The defects most often hallucinated."""
        return Counter(defect for _, defect in self.hallucinated if defect).most_common(n)


def count_chair(answers: Sequence[str], facts: Sequence[Facts], glossary: Glossary) -> ChairCounts:
    """Count answers against facts, photo by photo. A negated mention ("no rust") is not a mention."""
    rows, hallucinated = [], []
    for answer, truth in zip(answers, facts, strict=True):
        row, wrong = _count(answer, truth, glossary)
        rows.append(row)
        hallucinated += [(truth.part, defect) for defect in wrong]
    return ChairCounts(np.array(rows, np.float64).reshape(len(rows), len(COLUMNS)), tuple(hallucinated))


def _count(answer: str, truth: Facts, glossary: Glossary) -> tuple[list[float], list[str]]:
    findings = {f.defect: f.location for f in find_findings(answer, glossary)}
    parts = find_terms(answer, glossary, "part")
    attributes = find_terms(answer, glossary, "attribute")
    wrong_parts = [p for p in parts if truth.part and p != truth.part]
    wrong = [d for d in findings if d not in truth.defects]
    right = [d for d in findings if d in truth.defects]
    placeable = [d for d in right if truth.defects[d]]
    placed = [d for d in placeable if findings[d] == truth.defects[d]]
    wrong_count = len(wrong) + len(wrong_parts)
    exact = (
        not wrong_count
        and len(right) == len(truth.defects)
        and len(placed) == len(placeable)
        and truth.part in (*parts, "")
    )
    values = {
        "mentioned": len(findings) + len(parts),
        "hallucinated": wrong_count,
        "any_hallucination": wrong_count > 0,
        "true_defects": len(truth.defects),
        "recalled": len(right),
        "placeable": len(placeable),
        "placed": len(placed),
        "attributes": len(truth.attributes),
        "attributes_right": len(truth.attributes.intersection(attributes)),
        "exact": exact,
        "one": 1,
    }
    return [float(values[c]) for c in COLUMNS], wrong
