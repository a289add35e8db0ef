"""What a run says of itself when its process is gone, and the links and names around it."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from realign_edge.runs.process import is_alive, process_mark
from realign_edge.runs.run import Run, create_run, find_live, find_run, list_runs, remove_run

NOW = datetime(2026, 1, 2, 3, 4, 5)
BEAT = """
import sys, time
from pathlib import Path
from realign_edge.runs.run import Run
Run(Path(sys.argv[1])).heartbeat(state=sys.argv[2], stage="train")
print("beats", flush=True)
time.sleep(60)
"""


def new_run(runs: Path, identity: str = "aaaa1111") -> Run:
    return create_run(runs, identity, {}, "", NOW)


def test_a_run_whose_process_was_killed_is_interrupted(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    assert (run.state, run.alive) == ("unknown", False)
    for state in ("running", "paused"):
        process = subprocess.Popen(
            [sys.executable, "-c", BEAT, str(run.folder), state], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "beats\n"
        assert (run.state, run.alive) == (state, True)
        process.kill()
        process.wait()
        assert (run.state, run.alive) == ("interrupted", False)


def test_what_is_asked_of_the_latest_run_is_asked_of_the_one_that_goes_on(tmp_path: Path) -> None:
    older, newer = new_run(tmp_path), new_run(tmp_path, "bbbb")
    assert find_live(tmp_path, "latest") == newer
    older.heartbeat(state="running")
    assert find_live(tmp_path, "latest") == older
    assert find_live(tmp_path, newer.run_id) == newer


def test_a_finished_run_is_not_alive_while_its_process_lives_on(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    run.heartbeat(state="finished")
    assert (run.state, run.alive) == ("finished", False)


def test_another_process_with_the_same_number_is_not_taken_for_it() -> None:
    assert is_alive(os.getpid(), process_mark(os.getpid()))
    assert not is_alive(os.getpid(), "1")


def test_what_was_asked_of_an_earlier_process_is_void_when_a_run_begins(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    run.request("pause")
    run.request("stop")
    run.begin()
    assert not run.requested("pause")
    assert not run.requested("stop")


def test_two_runs_in_one_second_stay_apart_and_a_whole_name_is_never_ambiguous(tmp_path: Path) -> None:
    first, second = new_run(tmp_path), new_run(tmp_path)
    assert second.run_id == f"{first.run_id}-2"
    assert find_run(tmp_path, first.run_id) == first


def test_latest_is_a_link_to_the_newest_and_no_run_of_its_own(tmp_path: Path) -> None:
    first = new_run(tmp_path)
    second = create_run(tmp_path, "bbbb", {}, "", datetime(2026, 1, 3))
    latest = tmp_path / "latest"
    assert latest.resolve() == second.folder
    assert list_runs(tmp_path) == [first, second]
    remove_run(second)
    assert latest.resolve() == first.folder
    remove_run(first)
    assert not latest.is_symlink()
