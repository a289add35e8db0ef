"""The status sentence: which rule speaks, and what becomes a warning."""

from dataclasses import replace
from typing import Any

import pytest

from realign_edge.monitoring.condition import ENDED, PAUSED, TROUBLES, WELL, Facts, judge
from realign_edge.monitoring.decision import Decision
from realign_edge.monitoring.model import Gpu, Machine, Told
from realign_edge.monitoring.pulse import Beat, HeldOut

TASK = Told("training", "学習")
RUNS = Facts("running", task=TASK, step=12, step_s=1.0)
MACHINE = Machine(memory_used_gib=4.0, memory_total_gib=16.0, disk_free_gib=50.0)
GPU = Gpu("H", memory_used_gib=10.0, memory_total_gib=80.0, temperature_c=60.0)
FIGURES = {"before": "12 %", "after": "6 %", "n": 77, "why": Told("x", "エ")}
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("gone", "stopped", {"state": "gone"}),
    ("failed", "stopped", {"state": "failed", "error": "No space left", "hint": "free some"}),
    ("interrupted", "stopped", {"state": "interrupted"}),
    ("stopped", "stopped", {"state": "stopped", "checkpoint_step": 10}),
    ("adopted", "done", {"state": "finished", "decision": Decision("adopted", FIGURES)}),
    ("rejected", "done", {"state": "finished", "decision": Decision("rejected", FIGURES), "not_exported": "r"}),
    ("not_exported", "done", {"state": "finished", "decision": Decision("adopted", FIGURES), "not_exported": "r"}),
    ("undecided", "done", {"state": "finished", "decision": Decision("undecided")}),
    ("unjudged", "done", {"state": "finished"}),
    ("finished_until", "done", {"state": "finished", "until": "train"}),
    ("paused", "attention", {"state": "paused"}),
    ("loss_nan", "attention", {"beat": Beat(loss_is_nan=True)}),
    ("loss_exploding", "attention", {"beat": Beat(loss=9.0, first=2.0, lowest=1.0)}),
    ("disk_low", "attention", {"machine": replace(MACHINE, disk_free_gib=1.5)}),
    ("disk_low", "attention", {"machine": replace(MACHINE, disk_free_gib=20.0), "checkpoint_gib": 8.0}),
    ("memory_low", "attention", {"machine": replace(MACHINE, memory_used_gib=15.9)}),
    ("gpu_memory_low", "attention", {"machine": replace(MACHINE, gpus=(GPU, replace(GPU, memory_used_gib=79.9)))}),
    ("gpu_hot", "attention", {"machine": replace(MACHINE, gpus=(replace(GPU, temperature_c=90.0), GPU))}),
    ("clock_back", "attention", {"news_age_s": 0.0, "ahead_s": 61.0}),
    ("silent", "attention", {"news_age_s": 41.0}),
    ("silent", "attention", {"news_age_s": 181.0, "counted": False}),
    ("chosen_falling", "attention", {"beat": Beat(chosen=-1.4)}),
    ("held_out_falling", "attention", {"beat": Beat(held_out=HeldOut(0.6, 0.9, 60))}),
    ("stopping", "ok", {"asked": "stop"}),
    ("pausing", "ok", {"asked": "pause"}),
    ("starting", "ok", {"state": "unknown"}),
    ("starting", "ok", {"task": Told("", "")}),
    ("well", "ok", {"machine": replace(MACHINE, gpus=(GPU,))}),
    ("well_left", "ok", {"seconds_left": 75.0}),
]


@pytest.mark.parametrize(("rule", "level", "facts"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_the_rule_that_speaks(rule: str, level: str, facts: dict[str, Any]) -> None:
    said, _ = judge(replace(RUNS, **facts))
    assert (said.rule, said.level) == (rule, level)
    assert said.sentence.en
    assert said.sentence.ja != said.sentence.en
    assert said.level in ("ok", "done") or said.advice


def test_every_rule_is_among_the_cases() -> None:
    assert {c[0] for c in CASES} == {r.name for r in (*ENDED, *TROUBLES, PAUSED, *WELL)}


@pytest.mark.parametrize(
    "facts",
    [
        {"news_age_s": 39.0},
        # Steps of a minute: four of them may pass.
        {"news_age_s": 200.0, "step_s": 60.0},
        # A model that is loaded.
        {"news_age_s": 170.0, "counted": False},
        {"beat": Beat(loss=2.2, first=2.0, lowest=1.0, chosen=-0.9)},
        # 2 of 60 pairs fewer is chance.
        {"beat": Beat(held_out=HeldOut(0.87, 0.90, 60))},
        {"machine": Machine()},
        {"machine": replace(MACHINE, memory_used_gib=15.0)},
    ],
)
def test_what_is_usual_needs_no_attention(facts: dict[str, Any]) -> None:
    said, warned = judge(replace(RUNS, **facts))
    assert (said.level, warned) == ("ok", ())


def test_the_worst_is_the_sentence_and_the_others_are_warnings_in_order() -> None:
    trouble = Beat(chosen=-2.0, held_out=HeldOut(0.5, 0.9, 60))
    said, warned = judge(replace(RUNS, beat=trouble, machine=replace(MACHINE, disk_free_gib=0.3), news_age_s=90.0))
    assert said.rule == "disk_low"
    assert [(w.rule, w.serious) for w in warned] == [
        ("silent", True), ("chosen_falling", True), ("held_out_falling", False),
    ]  # fmt: skip
    said, warned = judge(replace(RUNS, state="paused", machine=replace(MACHINE, disk_free_gib=0.3)))
    assert (said.rule, [w.rule for w in warned]) == ("paused", ["disk_low"])


def test_the_words_say_why_and_what_to_do() -> None:
    failed, _ = judge(replace(RUNS, state="failed", error="No space left on device: /x", hint="free some space"))
    assert failed.sentence.en == "Stopped because it failed: No space left on device: /x"
    assert failed.advice.en == "free some space"
    silent, _ = judge(replace(RUNS, state="failed", error="x"))
    assert "Look at the log" in silent.advice.en
    stopped, _ = judge(replace(RUNS, state="stopped", checkpoint_step=30))
    assert "the checkpoint of step 30" in stopped.advice.en
    assert "ステップ 30 のチェックポイント" in stopped.advice.ja
    begun, _ = judge(replace(RUNS, state="interrupted"))
    assert "the beginning of the stage" in begun.advice.en
    left, _ = judge(replace(RUNS, seconds_left=75.0))
    assert left.sentence == Told("Running well: training, about 1 min 15 s left.", "順調です（学習、残り約1分15秒）。")
