import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from realign_edge.errors import MissingError, RealignError, UsageError
from realign_edge.runs.events import EventLog, read_events
from realign_edge.runs.lock import work_lock
from realign_edge.runs.run import create_run, find_run, list_runs, remove_run
from realign_edge.runs.signals import stop_on_signals


def test_runs_are_found_by_name_start_and_latest(tmp_path: Path) -> None:
    first = create_run(tmp_path, "aaaa1111", {"model": "nano"}, "seed = 1\n", datetime(2026, 1, 2, 3, 4, 5))
    second = create_run(tmp_path, "bbbb2222", {}, "", datetime(2026, 1, 3))
    assert first.run_id == "20260102-030405-aaaa"
    assert [r.run_id for r in list_runs(tmp_path)] == [first.run_id, second.run_id]
    assert find_run(tmp_path, "latest") == second
    assert find_run(tmp_path, "20260102") == first
    with pytest.raises(UsageError, match="fits 2 runs"):
        find_run(tmp_path, "2026")
    with pytest.raises(MissingError, match="no run `x`"):
        find_run(tmp_path, "x")
    remove_run(first)
    assert list_runs(tmp_path) == [second]


def test_a_stage_is_done_only_for_its_inputs(tmp_path: Path) -> None:
    run = create_run(tmp_path, "cccc", {}, "", datetime(2026, 1, 1))
    run.finish_stage("train", "i1", {"x": 1})
    assert run.finished_stage("train", "i1") == {"x": 1}
    assert run.finished_stage("train", "i2") is None
    assert run.finished_stage("evaluate", "i1") is None


def test_requests_are_made_and_met(tmp_path: Path) -> None:
    run = create_run(tmp_path, "dddd", {}, "", datetime(2026, 1, 1))
    run.request("stop")
    assert run.requested("stop")
    assert not run.requested("pause")
    run.clear("stop")
    assert not run.requested("stop")


def test_a_torn_last_line_is_cut_and_nan_becomes_null(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.append({"type": "step", "loss": float("nan")})
    log.close()
    with path.open("a") as file:
        file.write('{"type": "to')
    assert [e["type"] for e in read_events(path)] == ["step"]
    again = EventLog(path)
    again.append({"type": "next"})
    again.close()
    events = list(read_events(path))
    assert [e["type"] for e in events] == ["step", "next"]
    assert events[0]["loss"] is None


HOLD = """
import sys, time
from pathlib import Path
from realign_edge.runs.lock import work_lock
with work_lock(Path(sys.argv[1]), "align ./photos"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_holds_the_lock_and_kill_9_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(RealignError, match=rf"align \./photos \(process {holder.pid}, since ") as caught,
        work_lock(path, "me"),
    ):
        pass
    assert "runs stop" in caught.value.hint
    holder.kill()
    holder.wait()
    with work_lock(path, "me"):
        pass


def test_a_signal_sets_the_flag_and_a_second_interrupt_ends() -> None:
    with stop_on_signals() as stopping:
        assert not stopping()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        assert stopping()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)


def test_a_closed_terminal_sets_the_flag_unless_the_process_was_started_to_ignore_it() -> None:
    before = signal.getsignal(signal.SIGHUP)
    try:
        for handler, heard in ((signal.SIG_DFL, True), (signal.SIG_IGN, False)):
            signal.signal(signal.SIGHUP, handler)
            with stop_on_signals() as stopping:
                os.kill(os.getpid(), signal.SIGHUP)
                assert stopping() == heard
            assert signal.getsignal(signal.SIGHUP) == handler
    finally:
        signal.signal(signal.SIGHUP, before)


FORK = """
import os, sys, time
from pathlib import Path
from realign_edge.runs.lock import work_lock
with work_lock(Path(sys.argv[1]), "align"):
    if os.fork() == 0:
        print("held", flush=True)
    time.sleep(60)
"""


def test_a_forked_worker_that_outlives_its_killed_parent_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", FORK, str(path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RealignError), work_lock(path, "me"):
            pass
        holder.kill()
        holder.wait()
        with work_lock(path, "me"):
            pass
    finally:
        os.killpg(holder.pid, signal.SIGKILL)


@pytest.mark.parametrize("tail", ["", "{", "\0" * 100_000, "x" * 70_000])
def test_a_long_or_zero_filled_torn_tail_is_cut(tmp_path: Path, tail: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"type": "a"}\n' + tail)
    EventLog(path).close()
    assert path.read_text() == '{"type": "a"}\n'
    path.write_text(tail)
    EventLog(path).close()
    assert path.read_text() == ""


def test_numbers_that_json_does_not_know_become_null_at_any_depth(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append({"type": "step", "terms": {"nll": [float("inf"), 1.0]}})
    log.close()
    assert [e["terms"] for e in read_events(tmp_path / "events.jsonl")] == [{"nll": [None, 1.0]}]
