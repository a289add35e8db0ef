"""However work on a run ends, the run tells; and telling never hides why."""

import errno
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from realign_edge.errors import Interrupted, UsageError
from realign_edge.runs.events import newest_events, read_events
from realign_edge.runs.run import Run, create_run, remove_run
from realign_edge.runs.tenure import work_on


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path / "runs", "aaaa", {}, "", datetime(2026, 1, 1))


def fail(run: Run, failure: BaseException) -> None:
    with pytest.raises(type(failure)), work_on(run, "index"):
        assert (run.state, run.status["stage"]) == ("running", "index")
        run.heartbeat(state="running", stage="train", done=2, total=6)
        raise failure


@pytest.mark.parametrize(
    ("failure", "error", "hint"),
    [
        (UsageError("no pairs", "add photos"), "no pairs", "add photos"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "No space left on device: /x", "free some space"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "No space left on device", "free some"),
        (MemoryError(), "the memory of this machine does not suffice", "smaller"),
        (ZeroDivisionError("oh"), "something went wrong inside realign-edge (ZeroDivisionError: oh)", "logs"),
    ],
)
def test_a_failure_is_told_with_its_reason_and_its_place(run: Run, failure: Exception, error: str, hint: str) -> None:
    fail(run, failure)
    status = run.status
    assert (run.state, status["stage"], status["done"], status["total"]) == ("failed", "train", 2, 6)
    assert status["error"].startswith(error)
    assert hint in status["hint"]
    assert [e["type"] for e in read_events(run.folder / "events.jsonl")] == ["failed"]


@pytest.mark.parametrize("failure", [Interrupted("stopped", ""), KeyboardInterrupt()])
def test_an_end_that_was_asked_for_is_no_failure(run: Run, failure: BaseException) -> None:
    run.request("stop")
    fail(run, failure)
    assert (run.state, "error" in run.status) == ("stopped", False)


def test_taking_a_run_up_again_forgets_the_failure_and_sweeps_what_was_left(run: Run) -> None:
    fail(run, UsageError("no pairs"))
    run.request("pause")
    (run.folder / ".adapter.tmp").mkdir()
    (run.folder / "checkpoints").mkdir()
    (run.folder / "checkpoints" / ".step-0000002.safetensors.7.tmp").write_text("half")
    with work_on(run, "index"):
        assert "error" not in run.status
        assert not run.requested("pause")
    assert not list(run.folder.rglob("*.tmp"))


def test_a_heartbeat_that_cannot_be_written_anew_is_written_over(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, value: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with pytest.raises(OSError, match="No space left"), work_on(run, "index"):
        monkeypatch.setattr("realign_edge.runs.run.write_json", full)
        run.heartbeat(state="running", stage="train")
    assert (run.state, run.status["stage"]) == ("failed", "index")
    assert run.status["error"].startswith("No space left on device: ")


REFUSED = """
import resource, sys
from pathlib import Path
from realign_edge.runs.events import EventLog
log = EventLog(Path(sys.argv[1]))
log.append({"type": "step"})
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    log.append({"type": "step", "words": "x" * 1000})
except OSError as problem:
    print(problem.filename)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append({"type": "failed"})
log.close()
"""


def test_of_an_event_that_the_disk_refuses_nothing_stays(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    found = subprocess.run([sys.executable, "-c", REFUSED, str(path)], capture_output=True, text=True, check=True)
    assert found.stdout == f"{path}\n"
    assert [json.loads(line)["type"] for line in path.read_text().splitlines()] == ["step", "failed"]


@pytest.mark.parametrize("block", [1, 7, 64, 65536])
def test_events_are_read_from_the_end(tmp_path: Path, block: int) -> None:
    path = tmp_path / "events.jsonl"
    lines = [{"type": "step", "step": n, "note": "x" * (n * 5)} for n in range(12)]
    path.write_text("".join(json.dumps(v) + "\n" for v in lines[:6]) + "garbage\n[1]\n")
    with path.open("a") as file:
        file.write("".join(json.dumps(v) + "\n" for v in lines[6:]) + '{"type": "to')
    assert list(newest_events(path, block)) == lines[::-1]
    assert list(newest_events(tmp_path / "none.jsonl")) == []


def test_the_log_of_a_detached_run_goes_with_it_but_no_other_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = run.folder.parent.parent / "logs"
    logs.mkdir()
    elsewhere = run.folder.parent.parent / "letter.txt"
    for place, stays in ((logs / "a.log", False), (elsewhere, True)):
        place.write_text("words")
        monkeypatch.setenv("REALIGN_EDGE_LOG", str(place))
        run.folder.mkdir(exist_ok=True)
        run.heartbeat(state="finished")
        assert run.status["log"] == str(place)
        remove_run(run)
        assert place.exists() == stays
