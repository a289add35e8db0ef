"""Starting a process that goes on by itself, and what is said where it does not come that far."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from realign_edge.errors import ExitCode, Interrupted, RealignError
from realign_edge.runs.detach import _failure, _run_of, detach
from realign_edge.runs.process import process_mark
from realign_edge.runs.run import create_run


@pytest.mark.parametrize(
    ("said", "code", "message", "hint", "exit_code"),
    [
        ("Reading: 3\nerror: no model `x`\nhint: name one\n", 3, "no model `x`", "name one", ExitCode.MISSING),
        ("error: two\nlines\n", 1, "two\nlines", "", ExitCode.FAILED),
        ("Usage: a\nerror: No such option\nhint: see `x`\n", 2, "No such option", "see `x`", ExitCode.USAGE),
    ],
)
def test_the_words_of_the_process_become_the_error_and_its_log_goes(
    tmp_path: Path, said: str, code: int, message: str, hint: str, exit_code: ExitCode
) -> None:
    log = tmp_path / "a.log"
    log.write_text(said)
    failure = _failure(code, log)
    assert (failure.message, failure.hint, failure.exit_code) == (message, hint, exit_code)
    assert not log.exists()


@pytest.mark.parametrize(("code", "how"), [(-9, "signal SIGKILL"), (0, "exit code 0"), (77, "exit code 77")])
def test_a_process_that_ends_without_a_word_leaves_its_log(tmp_path: Path, code: int, how: str) -> None:
    log = tmp_path / "a.log"
    log.write_text("Reading photos\n")
    failure = _failure(code, log)
    assert (failure.exit_code, how in failure.message) == (ExitCode.FAILED, True)
    assert str(log) in failure.hint
    assert log.exists()


def test_the_run_of_a_process_is_not_that_of_an_earlier_one_with_its_number(tmp_path: Path) -> None:
    run = create_run(tmp_path / "runs", "aaaa", {}, "", datetime(2026, 1, 1))
    assert _run_of(tmp_path, os.getpid(), process_mark(os.getpid())) is None
    run.heartbeat(state="running")
    assert _run_of(tmp_path, os.getpid(), process_mark(os.getpid())) == run
    assert _run_of(tmp_path, os.getpid(), "1") is None
    assert _run_of(tmp_path, 1, process_mark(os.getpid())) is None


def test_a_process_without_a_run_is_no_detached_run(home: Path) -> None:
    with pytest.raises(RealignError, match="ended before it had begun") as caught:
        detach(home, ["runs", "list"])
    assert caught.value.exit_code == ExitCode.FAILED
    with pytest.raises(Interrupted):
        detach(home, ["runs", "list"], waiting=lambda: False)
