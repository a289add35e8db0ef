"""A run played again: the same view, by the times of its events."""

from typing import Any

import pytest

from realign_edge.errors import UsageError
from realign_edge.monitoring.replay import Replay

NOW = 5_000_000_000.0


def finished(written: Any) -> None:
    written.tell("started", photos=60, until="train")
    written.tell("stage", stage="index", state="begun", after=0.0)
    written.tell("stage", stage="index", state="done", after=10.0)
    written.tell("stage", stage="train", state="begun")
    for step in range(1, 61):
        written.step(step)
        if step % 20 == 0:
            written.tell("checkpoint", step=step, after=0.0)
            written.sample(f"a/{step}.jpg", step, after=0.0)
    written.tell("stage", stage="train", state="done")
    written.tell("finished", until="train")


def test_it_goes_by_the_times_of_the_events_at_its_speed(written: Any) -> None:
    finished(written)
    replay = Replay(written.run, 10.0)
    first = replay.look(NOW)
    assert (first.state, first.step, first.replay, first.replayed) == ("running", 0, 10.0, False)
    assert first.time == written.told[0]["time"]
    # 11 s until training begins, then a step a second.
    view = replay.look(NOW + 4.1)
    assert (view.step, view.state) == (30, "running")
    assert view.time == pytest.approx(first.time + 41.0)
    assert view.stage is not None
    assert (view.stage.name, view.stage.done, view.stage.total) == ("train", 30, 60)
    assert view.stage.seconds_left == pytest.approx(30.0)
    assert view.checkpoint_step == 20
    assert view.checkpoint_age_s == pytest.approx(10.0)
    assert view.machine is None
    assert view.condition.rule == "well_left"
    last = replay.look(NOW + 60.0)
    assert (last.state, last.step, last.replayed) == ("finished", 60, True)
    assert last.condition.rule == "finished_until"
    assert replay.look(NOW + 9000.0).time == last.time == written.now


def test_a_night_in_which_nothing_happened_is_passed_over(written: Any) -> None:
    finished(written)
    written.tell("started", photos=60, after=30_000.0)
    written.tell("stopped", after=20.0)
    replay = Replay(written.run, 10.0)
    replay.look(NOW)
    view = replay.look(NOW + 8.0)
    assert (view.state, view.time) == ("running", written.now - 20.0)
    assert replay.look(NOW + 10.0).state == "stopped"


def test_a_decision_is_known_at_the_end_alone(written: Any) -> None:
    finished(written)
    written.evaluate(True)
    written.tell("stage", stage="evaluate", state="begun")
    written.tell("evaluated", decision={"adopt": True})
    written.tell("finished", until="evaluate")
    replay = Replay(written.run, 1.0)
    assert replay.look(NOW).condition.level == "ok"
    assert replay.look(NOW + 600.0).condition.rule == "adopted"


def test_samples_are_stepped_and_a_clock_that_goes_back_does_no_harm(written: Any) -> None:
    finished(written)
    replay = Replay(written.run, 1000.0)
    replay.look(NOW)
    replay.look(NOW + 1.0)
    view = replay.look(NOW - 100.0)
    assert view.sample is not None
    assert view.sample.name == "a/60.jpg"
    replay.step_sample()
    assert replay.look(NOW).sample.name == "a/20.jpg"  # type: ignore[union-attr]


def test_a_run_without_events_and_a_speed_that_is_none(written: Any) -> None:
    view = Replay(written.run, 60.0).look(NOW)
    assert (view.replayed, view.state) == (True, "unknown")
    for speed in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(UsageError):
            Replay(written.run, speed)
