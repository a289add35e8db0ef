"""Drift is told where it is, not where it is not, and not because somebody looks often."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realign_edge.errors import MissingError
from realign_edge.results.model import Disposition, Inspection, Reason
from realign_edge.results.store import Results
from realign_edge.station.drift.drift import Baseline, Drift, DriftSettings, drift, over_all_looks
from realign_edge.station.drift.input import bundle_facts, look, plain
from realign_edge.station.drift.twosample import is_above, is_more_frequent
from realign_edge.station.drift.words import advice, sentence

SETTINGS = DriftSettings(last=100)


def inspected(familiarity: float, verdict: Any = "PASS", i: int = 0) -> Inspection:
    about = (f"{i:064x}", f"{i}.jpg", "2026-04-01T08:00:00+00:00", verdict, (Reason("r", "s"),), "d", "p", (), ())
    return Inspection(*about, familiarity, 0.9, "bundle-1", "m", 1.0)


def told(late: Any, then: Any, verdicts: Any = None, total: int = 100, decisions: Any = None) -> Drift:
    recent = [inspected(float(f), v, i) for i, (f, v) in enumerate(zip(late, verdicts or ["PASS"] * 999, strict=False))]
    baseline = Baseline(tuple(map(float, then)), 10, len(then))
    return drift(recent, decisions or {}, list(range(1, len(recent) + 1)), total, baseline, SETTINGS)


@pytest.fixture
def then() -> Any:
    return np.random.default_rng(1).normal(0.8, 0.05, 140)


def test_photos_as_before_are_steady(then: Any) -> None:
    found = told(np.random.default_rng(2).normal(0.8, 0.05, 100), then)
    assert (found.state, found.signs) == ("steady", ())
    assert "still look like" in sentence(found, "en")
    assert advice(found, "en") == ()


def test_less_familiar_photos_are_drift(then: Any) -> None:
    found = told(np.random.default_rng(2).normal(0.74, 0.05, 100), then)
    assert (found.state, found.signs) == ("drifting", ("unfamiliar",))
    assert found.p < 1e-6
    assert found.less_familiar > 0.64
    assert "less like the photos" in sentence(found, "en")
    assert "似ていません" in sentence(found, "ja")
    assert "camera" in advice(found, "en")[0]


def test_more_familiar_photos_are_no_drift(then: Any) -> None:
    assert told(np.random.default_rng(2).normal(0.9, 0.02, 100), then).state == "steady"


def test_a_difference_that_is_certain_but_small_alarms_nobody() -> None:
    rng = np.random.default_rng(3)
    found = told(rng.normal(0.79, 0.05, 5000), rng.normal(0.8, 0.05, 5000), total=1)
    assert found.p < 0.01
    assert found.state == "steady"


def test_looking_again_and_again_costs_certainty(then: Any) -> None:
    late = np.random.default_rng(2).normal(0.765, 0.04, 60)
    once, often = told(late, then, total=100), told(late, then, total=100_000)
    assert (once.looks, often.looks) == (1, 1000)
    assert often.p == pytest.approx(min(1.0, once.p / 2 * 1000 * 1001))
    assert (once.state, often.state) == ("drifting", "steady")


def test_the_shares_of_all_looks_add_up_to_the_level() -> None:
    """Under no drift, p is uniform, and look k alarms with probability alpha / (k (k + 1))."""
    alpha = 0.01
    rates = [1 / over_all_looks(1e-12, k) * 1e-12 * alpha for k in range(1, 5000)]
    assert sum(rates) == pytest.approx(alpha * (1 - 1 / 5000))
    assert over_all_looks(0.5, 3) == 1.0


def test_false_alarms_over_many_looks_stay_below_the_level() -> None:
    rng, alarms = np.random.default_rng(5), 0
    for _ in range(60):
        base = rng.normal(0.8, 0.05, 140)
        alarms += any(told(rng.normal(0.8, 0.05, 100), base, total=100 * k).signs for k in range(1, 11))
    # Expected at most 0.6 of 60; without the correction and the least effect about 6.
    assert alarms <= 2


def test_false_alarms_of_review_stay_below_the_level(then: Any) -> None:
    """Without the correction, 50 windows give one in ten; the true share is the same then and now."""
    rng, alarms = np.random.default_rng(6), 0
    for _ in range(100):
        doubted = int(rng.binomial(140, 0.3))
        for k in range(1, 51):
            p = over_all_looks(is_more_frequent(int(rng.binomial(200, 0.3)), 200, doubted, 140), k)
            if p < SETTINGS.alpha:
                alarms += 1
                break
    assert alarms <= 2


@pytest.mark.parametrize(("a", "n", "b", "m"), [(30, 100, 10, 140), (0, 20, 0, 30), (7, 20, 9, 31), (20, 20, 1, 3)])
def test_exact_tests_are_those_of_scipy(a: int, n: int, b: int, m: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    fisher = stats.fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue
    assert is_more_frequent(a, n, b, m) == pytest.approx(fisher, rel=1e-9)
    assert is_above(a, n, 0.05) == pytest.approx(stats.binomtest(a, n, 0.05, "greater").pvalue, rel=1e-9)


def test_exact_tests_of_nothing_say_nothing() -> None:
    assert np.isnan([is_above(0, 0, 0.05), is_more_frequent(0, 0, 1, 2), is_more_frequent(1, 2, 0, 0)]).all()


def test_more_review_than_then_is_a_sign(then: Any) -> None:
    found = told(then[:100], then, ["REVIEW"] * 30 + ["PASS"] * 70)
    assert found.signs == ("review",)
    assert (found.review.value, found.review.n, found.review_then.n) == (0.3, 100, 140)
    assert told(then[:100], then, ["REVIEW"] * 10 + ["PASS"] * 90).signs == ()


def test_overruled_verdicts_are_a_sign(then: Any) -> None:
    def said(i: int, decision: Any, verdict: Any) -> Disposition:
        return Disposition(i, f"{i - 1:064x}", decision, "Ito", "2026-04-02T08:00:00+00:00", verdict)

    many = {i: said(i, "overrule", "FAIL") for i in range(1, 16)} | {i: said(i, "agree", "") for i in range(16, 51)}
    found = told(then[:100], then, decisions=many)
    assert (found.signs, found.overruled.n, found.overruled.value) == (("overruled",), 50, 0.3)
    few = {1: said(1, "overrule", "FAIL"), 2: said(2, "retake", ""), 3: said(3, "overrule", "PASS")}
    assert (told(then[:100], then, decisions=few).signs, told(then[:100], then, decisions=few).overruled.n) == ((), 2)


def test_too_few_photos_say_nothing(then: Any) -> None:
    found = told([0.1] * 19, then)
    assert (found.state, found.signs) == ("too few", ())
    assert "too few" in sentence(found, "en")
    assert "足りません" in sentence(found, "ja")
    assert plain(told([], then))["p"] is None


@pytest.fixture
def bundle(tmp_path: Path, then: Any) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    verdicts = {"PASS": 100, "FAIL": 30, "REVIEW": 10}
    for name, value in (
        ("manifest.json", {"id": "bundle-1"}),
        ("station.json", {"language": "ja"}),
        ("baseline.json", {"familiarity": list(then), "verdicts": verdicts}),
    ):
        (folder / name).write_text(json.dumps(value))
    return folder


def test_rows_of_this_bundle_are_compared(bundle: Path, home: Path) -> None:
    facts = bundle_facts(bundle)
    assert (facts.language, facts.baseline.review, facts.baseline.photos) == ("ja", 10, 140)
    with Results.open(home) as results:
        for i in range(30):
            results.append(inspected(0.5, i=i))
        found = look(results, facts, DriftSettings(last=25))
        assert (found.photos, found.looks, found.signs) == (25, 2, ("unfamiliar",))


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.pop("verdicts"),
        lambda b: b.update(familiarity=[]),
        lambda b: b.update(familiarity=[0.5, 7.0]),
        lambda b: b.update(familiarity="many"),
        lambda b: b.update(verdicts={"REVIEW": -1}),
    ],
)
def test_a_baseline_that_makes_no_sense_is_told(bundle: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    value = json.loads((bundle / "baseline.json").read_text())
    change(value)
    (bundle / "baseline.json").write_text(json.dumps(value))
    with pytest.raises(MissingError, match="makes no sense"):
        bundle_facts(bundle)
    (bundle / "baseline.json").write_text("[]")
    with pytest.raises(MissingError, match="cannot be read"):
        bundle_facts(bundle)
