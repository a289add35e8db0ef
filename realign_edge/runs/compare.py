"""Two runs side by side: what they were made from, their figures before and after, and what may be said of them."""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from realign_edge.runs.run import Run, read_json

# The figures of evaluation.json in the order in which people read them, and those where less is better
# (as in evaluation/settings.py, which lies above this room).
METRICS = (
    "chair_i", "chair_s", "recall", "location", "attribute", "exact", "pope_random", "pope_popular",
    "pope_adversarial",
)  # fmt: skip
LOWER_IS_BETTER = frozenset(("chair_i", "chair_s"))
# What must be the same for two runs to have been asked about the same held-out photos and counted alike.
_SAME = (
    "photos or records", "glossary", "setting photos.held_out_share", "setting photos.seed",
    "setting evaluation.max_photos",
)  # fmt: skip
_MOST_BYTES = 8 * 2**20
Kind = Literal["data", "setting", "software"]
Outcome = Literal["better", "worse", "open", "not comparable", "unknown"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the two were not made from alike; "" where a run does not say."""

    kind: Kind
    name: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share in [0, 1], or a difference of two, with its 95 % interval; n: photos."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of one run: before alignment, after it, and the paired difference."""

    before: Estimate
    after: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of both runs, None where a run has none. outcome: the second run's model against the first's."""

    metric: str
    a: Change | None
    b: Change | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Side:
    """What one run came to. adopt is None where nothing was decided; sentence: as the run wrote it."""

    run: str
    state: str
    adopt: bool | None
    sentence: str
    photos: int


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Both runs. same_photos: they were asked about the same held-out photos; alike: settings that do not differ."""

    a: Side
    b: Side
    differences: tuple[Difference, ...]
    alike: int
    figures: tuple[Figure, ...]
    same_photos: bool


def compare_runs(first: Run, second: Run) -> RunComparison:
    """The second against the first; what a run has not come to yet is None."""
    said = [r.about for r in (first, second)]
    left, right = (read_json(r.folder / "evaluation.json", _MOST_BYTES) for r in (first, second))
    same = _same_photos(_inputs(said[0]), _inputs(said[1]))
    facts = [_facts(run, about) for run, about in zip((first, second), said, strict=True)]
    names = list(dict.fromkeys([*facts[0], *facts[1]]))
    found = [Difference(k, n, facts[0].get((k, n), ""), facts[1].get((k, n), "")) for k, n in names]
    differences = tuple(d for d in found if d.a != d.b)
    return RunComparison(
        _side(first, left),
        _side(second, right),
        differences,
        sum(1 for d in found if d.a == d.b and d.kind == "setting"),
        tuple(figures(left, right, same)),
        same,
    )


def figures(a: Mapping[str, Any], b: Mapping[str, Any], same_photos: bool) -> Iterator[Figure]:
    """Every figure that at least one evaluation has."""
    for metric in METRICS:
        left, right = (_change(_part(_part(e, "figures"), metric)) for e in (a, b))
        if left is not None or right is not None:
            yield Figure(metric, left, right, _outcome(metric, left, right, same_photos))


def apart(a: Estimate, b: Estimate) -> int:
    """+1 where b lies wholly above a, -1 where wholly below, 0 where their intervals meet.

    Two 95 % intervals that are apart differ beyond chance; two that meet may differ all the same, which only the
    answers of both models, photo by photo, could show (Schenker and Gentleman, 2001).
    """
    return int(b.low > a.high) - int(b.high < a.low)


def _outcome(metric: str, a: Change | None, b: Change | None, same_photos: bool) -> Outcome:
    if a is None or b is None or math.isnan(a.after.value) or math.isnan(b.after.value):
        return "unknown"
    if not same_photos:
        return "not comparable"
    way = apart(a.after, b.after)
    if not way:
        return "open"
    return "better" if (way < 0) == (metric in LOWER_IS_BETTER) else "worse"


def _side(run: Run, evaluation: Mapping[str, Any]) -> Side:
    decision, photos = _part(evaluation, "decision"), evaluation.get("photos")
    adopt = decision.get("adopt")
    return Side(
        run.run_id,
        run.state,
        adopt if isinstance(adopt, bool) else None,
        str(decision.get("sentence", ""))[:2000],
        photos if isinstance(photos, int) else 0,
    )


def _inputs(about: Mapping[str, Any]) -> dict[str, str]:
    return {str(k): str(v) for k, v in _part(about, "inputs").items()}


def _same_photos(a: Mapping[str, str], b: Mapping[str, str]) -> bool:
    """A run that does not say what it was made from is not taken for another's like."""
    return all(name in a and a[name] == b.get(name) for name in _SAME)


def _facts(run: Run, about: Mapping[str, Any]) -> dict[tuple[Kind, str], str]:
    """Everything that a run was made from, by kind and name."""
    inputs, libraries = _inputs(about), _part(about, "libraries")
    data: dict[str, str] = {n: inputs[n] for n in ("photo folder", "photos or records", "glossary") if n in inputs}
    settings = _configured(run.folder / "config.toml") or {
        k.removeprefix("setting "): v for k, v in inputs.items() if k.startswith("setting ")
    }
    software = {"realign-edge": str(about.get("version", "")), **{str(k): str(v) for k, v in libraries.items()}}
    kinds: tuple[tuple[Kind, Mapping[str, str]], ...] = (("data", data), ("setting", settings), ("software", software))
    return {(kind, name): value for kind, values in kinds for name, value in values.items()}


def _configured(path: Path) -> dict[str, str]:
    """config.toml as `alignment.beta` to its value in words; {} where it cannot be read."""
    try:
        return dict(_flat(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, RecursionError):
        return {}


def _flat(values: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{at}{key}.")
        else:
            yield f"{at}{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _change(parts: Mapping[str, Any]) -> Change | None:
    found = [_estimate(_part(parts, name)) for name in ("before", "after", "difference")]
    before, after, difference = found
    return Change(before, after, difference) if before and after and difference else None


def _estimate(part: Mapping[str, Any]) -> Estimate | None:
    """null stands for a figure of nothing."""
    if not part:
        return None
    try:
        value, low, high = (math.nan if part[k] is None else float(part[k]) for k in ("value", "low", "high"))
        return Estimate(value, low, high, int(part.get("n") or 0))
    except (KeyError, TypeError, ValueError):
        return None


def _part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
