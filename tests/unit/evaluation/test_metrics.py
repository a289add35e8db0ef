from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from realign_edge.evaluation.chair import COLUMNS, count_chair
from realign_edge.evaluation.evaluate import build_exam
from realign_edge.evaluation.pope import build_probes, pope_counts
from realign_edge.evaluation.statistics import (
    bootstrap_weights,
    difference_interval,
    mcnemar_exact,
    ratio_interval,
    seeds_difference_interval,
    wilson_interval,
)
from realign_edge.glossary.facts import Facts
from realign_edge.photos.model import Photo
from realign_edge.shopfloor.vocabulary import DEFECTS, GLOSSARY

PHOTO = Photo("a", Path("a.png"), "a.png", 8, 8, "held_out")
TRUTH = (
    Facts("gear", {"scratch": "upper left", "rust": "center"}, frozenset({"brass", "white tray"})),
    Facts("plate", {}, frozenset({"copper"})),
)
NOTES = (
    "Brass washer on the white tray. Scratch at the upper left, dent at the center.",
    "Copper plate. No rust visible.",
)


def test_chair_by_hand() -> None:
    """First note: washer (wrong), scratch (right, well placed), dent (wrong); rust is missed. Second: all right."""
    chair = count_chair(NOTES, TRUTH, GLOSSARY)
    assert chair.ratio("chair_i") == pytest.approx(2 / 4)
    assert chair.ratio("chair_s") == pytest.approx(1 / 2)
    assert chair.ratio("recall") == pytest.approx(1 / 2)
    assert chair.ratio("location") == 1.0
    assert chair.ratio("attribute") == pytest.approx(3 / 3)
    assert chair.ratio("exact") == pytest.approx(1 / 2)
    assert chair.hallucinated == (("gear", "dent"),)
    assert chair.favourite_share({"gear": "dent"}) == 1.0


def test_a_right_defect_in_the_wrong_place_is_no_hallucination() -> None:
    chair = count_chair(["Gear. Rust at the top."], [Facts("gear", {"rust": "center"}, frozenset())], GLOSSARY)
    assert (chair.ratio("chair_i"), chair.ratio("location")) == (0.0, 0.0)


def test_an_empty_answer_has_no_rate() -> None:
    assert np.isnan(count_chair([""], [TRUTH[0]], GLOSSARY).ratio("chair_i"))


def test_pope_asks_as_many_false_as_true_questions() -> None:
    defects = [d.term for d in DEFECTS]
    habits = {"gear": {"burr": 5.0, "chip": 3.0}, "plate": {"crack": 1.0}}
    probes = build_probes(TRUTH, defects, habits, seed=0)
    for setting in ("random", "popular", "adversarial"):
        mine = [p for p in probes if p.setting == setting]
        assert [p.answer for p in mine if p.index == 0].count(True) == 2
        assert [p.answer for p in mine if p.index == 0].count(False) == 2
        assert [p.answer for p in mine if p.index == 1] == [False]
        assert all(p.answer is (p.defect in TRUTH[p.index].defects) for p in mine)
    adversarial = [p.defect for p in probes if p.setting == "adversarial" and not p.answer]
    assert adversarial == ["burr", "chip", "crack"]


def test_pope_counts_unreadable_answers_as_wrong() -> None:
    probes = [p for p in build_probes(TRUTH, [d.term for d in DEFECTS], {}, 0) if p.setting == "random"]
    counts = pope_counts(probes, ["Yes."] * len(probes), 2, "random")
    assert counts.sum(axis=0).tolist() == [5, 2, 5]
    assert pope_counts(probes, ["maybe"] * len(probes), 2, "random").sum(axis=0).tolist() == [5, 0, 0]


def test_identical_answers_have_no_difference() -> None:
    counts = count_chair(NOTES * 20, TRUTH * 20, GLOSSARY).counts
    columns = (counts[:, COLUMNS.index("hallucinated")], counts[:, COLUMNS.index("mentioned")])
    found = difference_interval(columns, columns, bootstrap_weights(40, 500, 0))
    assert (found.value, found.low, found.high, found.n) == (0, 0, 0, 40)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """400 simulated exams with a known rate of 0.3: a 95 % interval holds it in 95 % of them, give or take 3."""
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(400):
        bottom = rng.integers(1, 5, 150).astype(float)
        top = rng.binomial(bottom.astype(int), 0.3).astype(float)
        found = ratio_interval(top, bottom, bootstrap_weights(150, 300, trial))
        hits += found.low <= 0.3 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_the_interval_over_seeds_is_wider_when_seeds_disagree() -> None:
    rng = np.random.default_rng(1)
    bottom = np.full(200, 2.0)
    before = rng.binomial(2, 0.4, 200).astype(float)
    same = [(rng.binomial(2, 0.3, 200).astype(float), bottom)] * 4
    spread = [(rng.binomial(2, p, 200).astype(float), bottom) for p in (0.1, 0.2, 0.4, 0.5)]
    weights = bootstrap_weights(200, 2000, 0)
    narrow, wide = (seeds_difference_interval([(before, bottom)], runs, weights, 0) for runs in (same, spread))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_two_recipes_are_paired_seed_by_seed() -> None:
    """What a seed does to both cancels: unpaired, seeds that differ this much would hide a difference of 0.05."""
    rng = np.random.default_rng(1)
    bottom = np.full(200, 2.0)
    one = [(rng.binomial(2, p, 200).astype(float), bottom) for p in (0.1, 0.3, 0.5, 0.7)]
    other = [(top - 0.1, bottom) for top, _ in one]
    weights = bootstrap_weights(200, 2000, 0)
    found = seeds_difference_interval(one, other, weights, 0)
    assert (found.value, found.low, found.high) == pytest.approx((-0.05, -0.05, -0.05))
    share = seeds_difference_interval(one, other, weights, 0, relative=True)
    assert share.value == pytest.approx(-0.05 / np.mean([t.sum() / bottom.sum() for t, _ in one]))
    assert share.low < share.value < share.high < 0


def test_mcnemar_is_the_exact_binomial_test() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.random(60) < 0.6, rng.random(60) < 0.8
    gained, lost = int((~before & after).sum()), int((before & ~after).sum())
    assert mcnemar_exact(before, after) == pytest.approx(binomtest(gained, gained + lost, 0.5).pvalue)
    assert mcnemar_exact(before, before) == 1.0


def test_wilson_against_a_published_value() -> None:
    """Newcombe 1998, table I, method 3: 81 of 263 gives 0.2553 to 0.3662."""
    found = wilson_interval(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_chair_reads_japanese_as_it_reads_english() -> None:
    answers = (
        "ワッシャー（真鍮）、白トレー上。左上に傷あり、ﾍｺﾐではなく打痕（中央）。",
        "銅地のプレート。錆は認められない。",
    )
    english, japanese = (count_chair(notes, TRUTH, GLOSSARY) for notes in (NOTES, answers))
    assert np.array_equal(english.counts, japanese.counts)
    assert japanese.hallucinated == english.hallucinated


def test_probes_call_defects_by_their_names_in_the_language() -> None:
    exam = build_exam([PHOTO], {"a": TRUTH[0]}, GLOSSARY, {}, 0, "ja")
    questions = {p.defect: p.question for p in exam.probes}
    assert questions["scratch"] == "この写真に傷がありますか？"
    assert questions["rust"] == "この写真に錆がありますか？"
    asked = [p for p in exam.probes if p.setting == "random"]
    said = ["はい、傷が見られます。" if p.answer else "認められません。" for p in asked]
    assert pope_counts(asked, said, 1, "random").tolist() == [[4, 4, 2]]
