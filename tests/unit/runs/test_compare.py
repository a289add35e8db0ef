"""Two runs held against each other: what differs, and what the intervals allow to say."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from realign_edge.evaluation.settings import LOWER_IS_BETTER as EVALUATIONS_OWN
from realign_edge.runs.compare import LOWER_IS_BETTER, METRICS, Estimate, apart, compare_runs, figures
from realign_edge.runs.run import Run, create_run

SAME = {"photos or records": "p1", "glossary": "g1", "setting photos.held_out_share": "0.3", "setting photos.seed": "0",
        "setting evaluation.max_photos": "400", "photo folder": "/floor"}  # fmt: skip


def part(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": value if low is None else low, "high": value if high is None else high, "n": 77}


def evaluation(after: dict[str, dict[str, Any]], adopt: bool = True) -> dict[str, Any]:
    found = {m: {"before": part(0.5), "after": a, "difference": part(0.0)} for m, a in after.items()}
    return {"photos": 77, "figures": found, "decision": {"adopt": adopt, "sentence": "So it is.", "reasons": []}}


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def made(day: int, config: str, inputs: dict[str, str], said: dict[str, Any] | None) -> Run:
        about = {"inputs": inputs, "version": "0.1.0", "libraries": {"torch": f"2.{day}"}}
        run = create_run(tmp_path, f"{day:04d}", about, config, datetime(2026, 1, day))
        if said is not None:
            (run.folder / "evaluation.json").write_text(json.dumps(said))
        return run

    return made


def test_what_they_were_made_from_is_named_where_it_differs(make: Any) -> None:
    a = make(1, 'model = "nano"\n[alignment]\nbeta = 0.3\ntargets = ["q", "v"]\n', SAME, None)
    b = make(2, 'model = "nano"\n[alignment]\nbeta = 0.1\ntargets = ["q", "v"]\nsteps = 5\n', SAME, None)
    found = compare_runs(a, b)
    told = {(d.kind, d.name): (d.a, d.b) for d in found.differences}
    assert told == {
        ("setting", "alignment.beta"): ("0.3", "0.1"),
        ("setting", "alignment.steps"): ("", "5"),
        ("software", "torch"): ("2.1", "2.2"),
    }
    assert (found.alike, found.figures, found.a.adopt, found.same_photos) == (2, (), None, True)


def test_settings_come_from_run_json_where_config_toml_is_gone(make: Any) -> None:
    a, b = (make(n, "x = 1", {**SAME, "setting alignment.beta": str(n)}, None) for n in (1, 2))
    for run in (a, b):
        (run.folder / "config.toml").write_bytes(b"\xff not TOML")
    assert ("alignment.beta", "1", "2") in [(d.name, d.a, d.b) for d in compare_runs(a, b).differences]


@pytest.mark.parametrize(
    ("metric", "a", "b", "outcome"),
    [
        ("chair_i", (0.12, 0.10, 0.14), (0.06, 0.04, 0.08), "better"),
        ("chair_i", (0.06, 0.04, 0.08), (0.12, 0.10, 0.14), "worse"),
        ("recall", (0.80, 0.78, 0.82), (0.90, 0.88, 0.92), "better"),
        ("recall", (0.90, 0.88, 0.92), (0.80, 0.78, 0.82), "worse"),
        ("recall", (0.80, 0.75, 0.85), (0.88, 0.85, 0.95), "open"),
        ("recall", (0.80, 0.75, 0.85), (None, None, None), "unknown"),
    ],
)
def test_only_intervals_that_are_apart_say_something(make: Any, metric: str, a: Any, b: Any, outcome: str) -> None:
    runs = [make(n, "", SAME, evaluation({metric: part(*x)})) for n, x in ((1, a), (2, b))]
    found = compare_runs(runs[0], runs[1])
    assert [(f.metric, f.outcome) for f in found.figures] == [(metric, outcome)]
    assert (found.a.adopt, found.a.sentence, found.a.photos) == (True, "So it is.", 77)


@pytest.mark.parametrize("name", [n for n in SAME if n != "photo folder"])
def test_other_photos_or_words_are_never_compared(make: Any, name: str) -> None:
    said = evaluation({"chair_i": part(0.1)}), evaluation({"chair_i": part(0.5)})
    other = {k: v for k, v in SAME.items() if k != name}
    for inputs in (other, {**SAME, name: "another"}):
        found = compare_runs(make(1, "", SAME, said[0]), make(2, "", inputs, said[1]))
        assert not found.same_photos
        assert [f.outcome for f in found.figures] == ["not comparable"]


def test_a_run_without_evaluation_leaves_its_side_empty(make: Any) -> None:
    found = compare_runs(make(1, "", SAME, None), make(2, "", SAME, evaluation({"recall": part(0.9)})))
    (figure,) = found.figures
    assert figure.a is None and figure.b is not None and figure.outcome == "unknown"


@pytest.mark.parametrize("said", [{}, {"figures": 3}, {"figures": {"recall": {"before": {"value": "x"}}}},
                                  {"figures": {"recall": [1]}, "decision": "yes", "photos": "many"}])  # fmt: skip
def test_a_damaged_evaluation_is_no_evaluation(make: Any, said: Any) -> None:
    found = compare_runs(make(1, "", SAME, said), make(2, "", SAME, said))
    assert found.figures == () and found.a.adopt is None and found.a.photos == 0


def test_intervals_that_touch_are_not_apart() -> None:
    assert apart(Estimate(0.5, 0.4, 0.6, 9), Estimate(0.7, 0.6, 0.8, 9)) == 0
    assert apart(Estimate(0.5, 0.4, 0.6, 9), Estimate(0.7, 0.61, 0.8, 9)) == 1
    assert apart(Estimate(0.5, float("nan"), float("nan"), 9), Estimate(0.9, 0.8, 1.0, 9)) == 0


def test_metrics_are_those_of_the_evaluation() -> None:
    assert LOWER_IS_BETTER == EVALUATIONS_OWN
    order = [f.metric for f in figures(evaluation({m: part(0.5) for m in reversed(METRICS)}), {}, True)]
    assert order == list(METRICS)
