"""Do the photos of late still look like those that the model was aligned on, and do people still agree with it?

Three signs, each with its uncertainty: familiarity of the last photos against that of the held-out photos when the
bundle was made, the share that goes to REVIEW against the share then, and how often people overrule a verdict.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from realign_edge.intervals import Interval, wilson_interval
from realign_edge.results.model import Disposition, Inspection
from realign_edge.station.drift.twosample import first_is_smaller, is_above, is_more_frequent

Sign = Literal["unfamiliar", "review", "overruled"]
State = Literal["steady", "drifting", "too few"]


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """last: how many photos one look takes; alpha: share of false alarms of each sign that is accepted over all looks
    ever; effect: least probability, in (0.5, 1], that a photo of late is less familiar than a held-out one (0.64 is
    Vargha and Delaney's "medium"), so that a tiny difference over many photos alarms nobody; most_overruled: share of
    verdicts that people may overrule; least: fewer photos say nothing.
    """

    last: int = 200
    alpha: float = 0.01
    effect: float = 0.64
    most_overruled: float = 0.05
    least: int = 20


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the bundle saw on held-out photos. familiarity: of each; review: how many of them went to REVIEW."""

    familiarity: tuple[float, ...]
    review: int
    photos: int


@dataclass(frozen=True, slots=True)
class Drift:
    """What was found. photos: looked at; looks: how many windows of so many photos there were so far.

    p, p_review, p_overruled: of each sign, one-sided, for all looks together (see `over_all_looks`); less_familiar:
    probability that a photo of late is less familiar than a held-out one; medians: of late, and then; shares with
    Wilson's 95 % interval.
    """

    state: State
    signs: tuple[Sign, ...]
    photos: int
    looks: int
    p: float
    less_familiar: float
    medians: tuple[float, float]
    review: Interval
    review_then: Interval
    overruled: Interval
    p_review: float
    p_overruled: float
    settings: DriftSettings = field(default_factory=DriftSettings)


def drift(
    recent: Sequence[Inspection],
    decisions: Mapping[int, Disposition],
    numbers: Sequence[int],
    total: int,
    baseline: Baseline,
    settings: DriftSettings,
) -> Drift:
    """Compare. recent: the last inspections by this bundle, numbers: of their rows; decisions: the last one about a
    row, by its number; total: how many inspections this bundle has made.
    """
    late = [i.familiarity for i in recent if math.isfinite(i.familiarity)]
    then = baseline.familiarity
    test = first_is_smaller(late, then)
    looks = max(1, -(-total // settings.last))
    p = over_all_looks(test.p, looks)
    doubted = sum(i.verdict == "REVIEW" for i in recent)
    review = wilson_interval(doubted, len(recent))
    review_then = wilson_interval(baseline.review, baseline.photos)
    turned, looked_at = _overruled(recent, decisions, numbers)
    overruled = wilson_interval(turned, looked_at)
    p_review = over_all_looks(is_more_frequent(doubted, len(recent), baseline.review, baseline.photos), looks)
    p_overruled = over_all_looks(is_above(turned, looked_at, settings.most_overruled), looks)
    found: list[Sign] = []
    if p < settings.alpha and test.probability >= settings.effect:
        found.append("unfamiliar")
    if p_review < settings.alpha:
        found.append("review")
    if looked_at >= settings.least and p_overruled < settings.alpha:
        found.append("overruled")
    few = min(len(late), len(then)) < settings.least
    state: State = "too few" if few else "drifting" if found else "steady"
    medians = _median(late), _median(then)
    signs = () if few else tuple(found)
    return Drift(
        state, signs, len(recent), looks, p, test.probability, medians, review, review_then, overruled,
        p_review, p_overruled, settings
    )  # fmt: skip


def over_all_looks(p: float, looks: int) -> float:
    """p for the `looks`-th look at a new window, so that false alarms over all looks ever stay below the level.

    Who looks again and again finds something by chance in the end. Look k is given the share 1 / (k (k + 1)) of the
    level; the shares add up to 1, so that by Bonferroni's inequality the level holds for all of them together.
    Looks within the same window are not counted: they see mostly the same photos.
    """
    return p if math.isnan(p) else min(1.0, p * looks * (looks + 1))


def _overruled(
    recent: Sequence[Inspection], decisions: Mapping[int, Disposition], numbers: Sequence[int]
) -> tuple[int, int]:
    """How many verdicts a person turned round, of the PASS and FAIL that a person looked at."""
    looked = [
        (i, decisions[n])
        for i, n in zip(recent, numbers, strict=True)
        if n in decisions and i.verdict != "REVIEW" and decisions[n].decision != "retake"
    ]
    return sum(d.decision == "overrule" and d.verdict != i.verdict for i, d in looked), len(looked)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else math.nan
