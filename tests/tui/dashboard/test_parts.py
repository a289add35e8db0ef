"""The words of the parts: durations, stages, machine, the answers' marks."""

from dataclasses import replace
from typing import Any

import pytest

from realign_edge.monitoring.model import Gpu, RunView
from tui.dashboard.machine import facts, machine_text
from tui.dashboard.sample import marked
from tui.dashboard.stages import stages_text
from tui.dashboard.status import status_text
from tui.dashboard.telling import age, bar, clock, duration, gibs, rate
from tui.words import words_in

EN, JA = words_in("en"), words_in("ja")
NOON = 1795694400.0


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (None, "–", "–"),
        (float("nan"), "–", "–"),
        (-3, "0 s", "0 秒"),
        (99.4, "99 s", "99 秒"),
        (99.6, "2 min", "2 分"),
        (5940, "99 min", "99 分"),
        (5990, "1 h 40 min", "1 時間 40 分"),
        (7199, "2 h 00 min", "2 時間 00 分"),
        (200_000, "2 d 8 h", "2 日 8 時間"),
    ],
)
def test_durations_are_short(seconds: Any, english: str, japanese: str) -> None:
    assert (duration(EN, seconds), duration(JA, seconds)) == (english, japanese)


@pytest.mark.parametrize(("seconds", "expected"), [(40, "40 s"), (7000, "2 h"), (100_000, "28 h"), (300_000, "3 days")])
def test_ages_are_shorter_still(seconds: float, expected: str) -> None:
    assert age(EN, seconds) == expected


def test_clock_names_the_day_where_it_is_another() -> None:
    assert clock(EN, NOON + 90 * 60, NOON) == "13:30"
    assert clock(EN, NOON + 86400, NOON) == "11-27 12:00"
    assert clock(EN, None, NOON) == "–"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (0.5, "0.50"), (9.996, "10.0"), (21.23, "21.2"), (99.96, "100"), (4706.5, "4,706")],
)
def test_rates_have_three_figures(value: float | None, expected: str) -> None:
    assert rate(value) == expected


def test_gib_have_a_decimal_where_it_tells_something() -> None:
    assert (gibs(0.84), gibs(9.96), gibs(1234.0), gibs(None)) == ("0.8", "10", "1,234", "–")


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, ("", "────")), (0.125, ("╸", "───")), (0.5, ("━━", "──")), (1, ("━━━━", "")), (7, ("━━━━", ""))],
)
def test_bars_are_as_wide_as_they_should(share: float, expected: tuple[str, str]) -> None:
    assert bar(share, 4) == expected


@pytest.mark.parametrize("words", [EN, JA])
@pytest.mark.parametrize("width", [20, 44, 60, 66, 80, 150])
def test_stages_fit_their_width(words: Any, width: int, views: dict[str, RunView]) -> None:
    for view in views.values():
        lines = stages_text(view, words, width, {}).split("\n")
        assert len(lines) == len(view.stages)
        assert width < 44 or max(line.cell_len for line in lines) <= width


def test_stages_are_told_as_fully_as_there_is_room(views: dict[str, RunView]) -> None:
    view = views["well"]
    said = {width: stages_text(view, EN, width, {}).plain.split("\n")[2] for width in (44, 66, 150)}
    assert said[44].endswith("42/60  28 s → 14:20")
    assert said[66].endswith("42/60 steps  28 s left, until 14:20")
    assert "0.64 steps/s" in said[150]


def test_busiest_gpu_is_the_one_that_a_small_terminal_shows(views: dict[str, RunView]) -> None:
    machine = views["attention"].machine
    assert machine is not None
    idle = Gpu("second", 0.02, 1.0, 80.0, 31.0, 40.0)
    view = replace(views["attention"], machine=replace(machine, gpus=(idle, *machine.gpus)))
    short = {fact.label: fact.value for fact in facts(view, EN, short=True)}
    assert short["GPU"] == "97% 61/80G 64° 612 W" and len(short) == 5
    told = [(fact.label, fact.value) for fact in facts(view, EN, short=False)]
    assert ("GPU 0", "2%  31 °C  40 W") in told and ("GPU 1", "97%  64 °C  612 W") in told


def test_what_a_machine_does_not_tell_is_not_shown(views: dict[str, RunView]) -> None:
    view = replace(views["well"], machine=None, news_age_s=None, checkpoint_age_s=None)
    assert [(f.label, f.value) for f in facts(view, EN, short=True)] == [
        ("Speed", "20.4 pairs/s"),
        ("Saved", "nothing yet"),
    ]


def test_silence_has_a_sign_as_well_as_a_colour(views: dict[str, RunView]) -> None:
    text = machine_text(facts(views["attention"], EN, short=True), 28, {}, bars=False)
    assert "News   ! none for 41 s" in text.plain


def test_what_is_not_in_the_photo_has_a_sign(views: dict[str, RunView]) -> None:
    sample = views["well"].sample
    assert sample is not None
    text = marked(sample.before, "red")
    assert "✗Chip at the left side, scratch at the center, ✗heat tint at" in text.plain
    assert {text.plain[s.start : s.end] for s in text.spans} == {"✗Chip", "✗heat tint"}


def test_paused_run_is_let_go_on_by_a_key(views: dict[str, RunView]) -> None:
    view = views["well"]
    paused = replace(view, condition=replace(view.condition, rule="paused", level="attention"))
    assert status_text(paused, EN).plain.endswith("→ Press p to let it go on.")
