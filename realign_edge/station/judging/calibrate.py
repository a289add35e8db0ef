"""Thresholds of a bundle, from what the exported model says of held-out photos whose records are known.

Every threshold sends photos to REVIEW. It is put where it tells right from wrong best (Youden's J: share of the wrong
that is caught minus share of the right that is caught as well), but never where more than MOST_LOST of what is right
would have to be looked at. Where there is too little wrong to learn from, it cuts off USUAL_LOST of what was seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from realign_edge.glossary.facts import Facts
from realign_edge.station.evidence.evidence import Evidence

MOST_LOST, USUAL_LOST = 0.05, 0.02
# Fewer wrong cases than this say nothing about where to cut.
_ENOUGH = 8
# No photo is that similar: without evidence that records of similar photos agree, none is contradicted by them.
_NEVER = 1.01


@dataclass(frozen=True, slots=True)
class Seen:
    """A figure with the truth about what it stands for. right: is the claim, or the denial, true?"""

    value: float
    right: bool


@dataclass(frozen=True)
class Figures:
    """What one held-out photo adds.

    familiarity; description: confidence, and are exactly the record's defects named; claims: grounding of each
    finding; confirmed: probability of yes for each finding; unclaimed: probability of yes for defects that are not
    claimed, right where they are indeed not there; nearest: similarity of the nearest past photo, right where its
    record agrees with this photo's.
    """

    familiarity: float
    description: tuple[Seen, ...] = ()
    claims: tuple[Seen, ...] = ()
    confirmed: tuple[Seen, ...] = ()
    unclaimed: tuple[Seen, ...] = ()
    nearest: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """right, wrong: how many cases it was put between; right_lost, wrong_caught: shares of them that it sends to
    REVIEW, in [0, 1], NaN where there are none."""

    value: float
    right: int
    wrong: int
    right_lost: float
    wrong_caught: float


def figures_of(evidence: Evidence, facts: Facts | None) -> Figures:
    """What the evidence about a held-out photo shows, given its record's facts (None: it says nothing)."""
    if facts is None:
        return Figures(evidence.familiarity)
    named = {f.defect for f in evidence.findings}
    nearest = evidence.neighbours[0] if evidence.neighbours and evidence.known[0] else None
    return Figures(
        familiarity=evidence.familiarity,
        description=(Seen(evidence.confidence, named == set(facts.defects)),),
        claims=tuple(Seen(f.grounding, f.defect in facts.defects) for f in evidence.findings),
        confirmed=tuple(Seen(p.yes, p.defect in facts.defects) for p in evidence.confirmed),
        unclaimed=tuple(Seen(p.yes, p.defect not in facts.defects) for p in evidence.suspected),
        nearest=(Seen(nearest.similarity, set(nearest.defects) == set(facts.defects)),) if nearest else (),
    )


def calibrate(figures: Sequence[Figures]) -> Mapping[str, Threshold]:
    """The thresholds of `station.json`, by name, with what they are based on.

    Raises:
        ValueError: there is no held-out photo at all.
    """
    if not figures:
        raise ValueError("thresholds need at least one held-out photo")
    all_of = {
        n: [s for f in figures for s in getattr(f, n)] for n in ("description", "claims", "confirmed", "unclaimed")
    }
    familiarity = [Seen(f.familiarity, True) for f in figures]
    # High means trouble for what is not claimed; below the threshold means trouble for everything else.
    turned = _cut([Seen(-s.value, s.right) for s in all_of["unclaimed"]], 0.5)
    suspected = Threshold(-turned.value, turned.right, turned.wrong, turned.right_lost, turned.wrong_caught)
    return {
        "familiarity": _cut(familiarity, -1.0),
        "confidence": _cut(all_of["description"], 0.0),
        "grounding": _cut(all_of["claims"], 0.0),
        "denied": _cut(all_of["confirmed"], 0.5),
        "suspected": suspected if all_of["unclaimed"] else Threshold(0.5, 0, 0, np.nan, np.nan),
        "same": _same([s for f in figures for s in f.nearest]),
    }


def _cut(seen: Sequence[Seen], otherwise: float) -> Threshold:
    """Where to cut so that wrong cases fall below and right ones do not; `otherwise` where nothing was seen."""
    right = np.sort([s.value for s in seen if s.right])
    wrong = np.sort([s.value for s in seen if not s.right])
    if not len(right):
        return Threshold(otherwise, 0, len(wrong), np.nan, np.nan)
    value = float(np.quantile(right, USUAL_LOST))
    if len(wrong) >= _ENOUGH:
        edges = np.unique(np.concatenate([right, wrong]))
        between = (edges[:-1] + edges[1:]) / 2 if len(edges) > 1 else edges
        lost = np.searchsorted(right, between) / len(right)
        caught = np.searchsorted(wrong, between) / len(wrong)
        allowed = lost <= MOST_LOST
        if allowed.any():
            value = float(between[np.argmax(np.where(allowed, caught - lost, -np.inf))])
    return Threshold(value, len(right), len(wrong), *(_below(x, value) for x in (right, wrong)))


def _below(values: "np.ndarray[tuple[int], np.dtype[np.float64]]", cut: float) -> float:
    return float(np.mean(values < cut)) if len(values) else np.nan


def _same(nearest: Sequence[Seen]) -> Threshold:
    """From which similarity on the records of photos nearly always agree (1 - MOST_LOST of them), if from any."""
    ranked = sorted(nearest, key=lambda s: -s.value)
    agree = np.cumsum([s.right for s in ranked]) / np.arange(1, len(ranked) + 1) if ranked else np.zeros(0)
    good = [i for i in range(_ENOUGH - 1, len(ranked)) if agree[i] >= 1 - MOST_LOST]
    value = ranked[good[-1]].value if good else _NEVER
    above = [s for s in nearest if s.value >= value]
    right = sum(s.right for s in above)
    return Threshold(value, right, len(above) - right, np.nan, np.nan)
