"""What is asked of a run while it works, and what it does about it."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from realign_edge.errors import Interrupted
from realign_edge.pipeline.heed import Heeding
from realign_edge.progress import Silent
from realign_edge.runs.control import Control
from realign_edge.runs.run import Run, create_run
from realign_edge.runs.signals import StopFlag


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = create_run(tmp_path, "aaaa", {}, "", datetime(2026, 1, 1))
    made.heartbeat(state="running", stage="train", done=3, total=9)
    return made


def wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_wishes_come_from_requests_and_from_the_flag_and_stop_goes_first(run: Run) -> None:
    flag = StopFlag()
    control = Control(run, flag)
    assert control.wish() == "go"
    run.request("pause")
    assert control.wish() == "pause"
    run.request("stop")
    assert (control.wish(), control.wish()) == ("stop", "stop")
    run.begin()
    assert control.wish() == "go"
    flag.set = True
    assert (control.wish(), control()) == ("stop", True)


def test_without_a_pause_there_is_nothing_to_wait_for(run: Run) -> None:
    before = run.status
    Control(run, StopFlag()).wait_while_paused()
    assert run.status == before


@pytest.mark.parametrize("how", ["resume", "stop", "signal"])
def test_a_pause_is_shown_with_its_place_and_ends_by_resume_stop_or_signal(run: Run, how: str) -> None:
    flag = StopFlag()
    control = Control(run, flag, poll_s=0.005)
    run.request("pause")
    said: list[bool] = []
    worker = threading.Thread(target=lambda: said.append(control()))
    worker.start()
    wait(lambda: run.status.get("state") == "paused")
    assert {k: run.status[k] for k in ("stage", "done", "total")} == {"stage": "train", "done": 3, "total": 9}
    first = run.status["time"]
    wait(lambda: run.status.get("time", 0) > first)
    assert worker.is_alive()
    if how == "resume":
        run.clear("pause")
    elif how == "stop":
        run.request("stop")
    else:
        flag.set = True
    worker.join(30)
    assert said == [how != "resume"]
    assert run.status["state"] == "running"


def test_progress_beats_and_is_where_other_stages_stop(run: Run) -> None:
    flag = StopFlag()
    heeding = Heeding(Silent(), run, "index", Control(run, flag))
    heeding.start("Seeing photos", 4)
    heeding.advance(1)
    assert (run.status["stage"], run.status["done"], run.status["total"]) == ("index", 1, 4)
    flag.set = True
    with pytest.raises(Interrupted, match='stopped in "Seeing photos"'):
        heeding.advance(2)


def test_progress_tells_the_task_and_its_rate_and_keeps_warnings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("realign_edge.pipeline.heed.time.monotonic", lambda: now[0])
    told: list[dict[str, object]] = []
    heeding = Heeding(Silent(), run, "index", lambda: False, told.append)
    heeding.start("Seeing photos", 40, "photos")
    for done in (0, 4, 8):
        heeding.advance(done)
        now[0] += 2.0
    about = {"stage": "index", "task": "Seeing photos", "unit": "photos", "done": 8, "total": 40, "rate": 2.0}
    assert {k: run.status[k] for k in about} == about
    assert told[-1] == {"type": "progress", **about}
    assert len(told) == 2
    heeding.warn("something")
    assert told[-1] == {"type": "warning", "message": "something"}
    run.turn("paused")
    assert (run.status["state"], run.status["task"], run.status["unit"]) == ("paused", "Seeing photos", "photos")


def test_a_task_that_heeds_by_itself_is_left_alone(run: Run) -> None:
    before = run.status
    heeding = Heeding(Silent(), run, "train", lambda: True, by_itself="Training")
    heeding.start("Training", 9, "steps")
    heeding.advance(1)
    assert run.status == before
    heeding.start("Reference", 9, "pairs")
    with pytest.raises(Interrupted):
        heeding.advance(1)
