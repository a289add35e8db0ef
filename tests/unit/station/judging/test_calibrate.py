"""Thresholds from held-out photos."""

import numpy as np
import pytest

from realign_edge.glossary.facts import Facts
from realign_edge.results.model import Finding, Neighbour
from realign_edge.station.evidence.evidence import Evidence, Probe
from realign_edge.station.judging.calibrate import MOST_LOST, Figures, Seen, calibrate, figures_of


def test_right_and_wrong_that_lie_apart_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    figures = [
        Figures(
            rng.uniform(0.5, 1),
            claims=(Seen(rng.uniform(1, 2), True), Seen(rng.uniform(-1, 0.5), False)),
            unclaimed=(Seen(rng.uniform(0, 0.4), True), Seen(rng.uniform(0.6, 1), False)),
        )
        for _ in range(40)
    ]
    found = calibrate(figures)
    assert 0.5 <= found["grounding"].value <= 1.0
    assert (found["grounding"].right_lost, found["grounding"].wrong_caught) == (0.0, 1.0)
    assert 0.4 <= found["suspected"].value <= 0.6
    assert (found["suspected"].right, found["suspected"].wrong) == (40, 40)


def test_never_too_much_of_what_is_right_goes_to_review() -> None:
    rng = np.random.default_rng(1)
    seen = [Seen(float(v), bool(right)) for v, right in zip(rng.normal(size=400), rng.random(400) < 0.7, strict=True)]
    found = calibrate([Figures(0.9, claims=(s,)) for s in seen])["grounding"]
    assert found.right_lost <= MOST_LOST
    assert found.right + found.wrong == 400


def test_without_wrong_cases_a_little_of_the_usual_is_cut_off() -> None:
    figures = [Figures(f) for f in np.linspace(0.5, 1, 101)]
    assert calibrate(figures)["familiarity"].value == pytest.approx(0.51)


def test_what_was_never_seen_gets_a_plain_threshold() -> None:
    found = calibrate([Figures(0.8)])
    assert (found["denied"].value, found["suspected"].value, found["grounding"].value) == (0.5, 0.5, 0.0)
    assert found["same"].value > 1
    with pytest.raises(ValueError, match="at least one"):
        calibrate([])


def test_records_contradict_only_from_where_they_agree() -> None:
    alike = [Figures(0.9, nearest=(Seen(0.95 + i / 1000, True),)) for i in range(20)]
    others = [Figures(0.9, nearest=(Seen(0.5 + i / 1000, i % 2 == 0),)) for i in range(20)]
    assert calibrate(alike + others)["same"].value == pytest.approx(0.95, abs=0.5)
    assert calibrate(alike + others)["same"].value > 0.51
    assert calibrate(others)["same"].value > 1


def test_figures_are_read_off_the_evidence() -> None:
    past = Neighbour("0" * 64, "past.jpg", 0.7, defects=("rust",))
    evidence = Evidence(
        "Rust.", "gear", True, True, 0.8, 0.6, (Finding("rust", "", "Rust", 1.5, 0.9),), (Probe("rust", 0.9),),
        (Probe("crack", 0.3), Probe("dent", 0.2)), (past,), (True,),
    )  # fmt: skip
    found = figures_of(evidence, Facts("gear", {"rust": "", "dent": ""}, frozenset()))
    assert found == Figures(
        0.6, (Seen(0.8, False),), (Seen(1.5, True),), (Seen(0.9, True),), (Seen(0.3, True), Seen(0.2, False)),
        (Seen(0.7, False),),
    )  # fmt: skip
    assert figures_of(evidence, None) == Figures(0.6)
