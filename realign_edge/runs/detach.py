"""A run as a process of its own, which goes on when the terminal, or the program that started it, is closed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from realign_edge.errors import ExitCode, Interrupted, RealignError
from realign_edge.runs.process import process_mark
from realign_edge.runs.run import LOG_VARIABLE, Run, list_runs

_POLL_S = 0.1
# Still at work, done, or done without a recommendation.
_WELL = (None, ExitCode.DONE, ExitCode.GATE)
# `trap` and `exec` keep the number of the process, and the program starts with SIGHUP ignored.
_DEAF_TO_HANGUP = ("/bin/sh", "-c", 'trap "" HUP; exec "$@"', "realign-edge")
_COMMAND = (sys.executable, "-m", "realign_edge.cli.main")
_ERROR = re.compile(r"^error: (?P<message>.*?)(?:\nhint: (?P<hint>.*?))?\s*\Z", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Detached:
    """A run that goes on by itself. log: the file that takes what its process prints."""

    run: Run
    pid: int
    log: Path


def detach(home: Path, arguments: Sequence[str], waiting: Callable[[], bool] = lambda: True) -> Detached:
    """Start `realign-edge ARGUMENTS` in a session of its own, and return once it has created or taken up its run.

    arguments: `["align", "./photos", "--seed", "1"]`; relative paths are those of this process.
    waiting: asked ten times a second; on False, and on Ctrl-C, the process is stopped again.

    Raises:
        RealignError: the process failed before it had a run; message, hint and `exit_code` are its own.
        Interrupted: `waiting()` said so.
        OSError: the log cannot be written.
    """
    log = _new_log(home)
    process = _start(home, arguments, log)
    mark = process_mark(process.pid)
    try:
        while waiting():
            # In this order: a process that has ended can have no run that is not seen afterwards.
            code = process.poll()
            run = _run_of(home, process.pid, mark)
            if code not in _WELL or (code is not None and run is None):
                raise _failure(code or 0, log)
            if run is not None:
                _reap_later(process)
                return Detached(run, process.pid, log)
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        _stop(process)
        raise
    _stop(process)
    raise Interrupted("the run was stopped before it had begun", "run the same command again")


def _new_log(home: Path) -> Path:
    """An empty file in `logs`; its name is the time, and unique."""
    folder = home / "logs"
    folder.mkdir(exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f"align-{datetime.now():%Y%m%d-%H%M%S}-", suffix=".log", dir=folder)
    os.close(number)
    return Path(name)


def _start(home: Path, arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), LOG_VARIABLE: str(log)}
    with log.open("ab") as file:
        return subprocess.Popen(
            [*_DEAF_TO_HANGUP, *_COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _run_of(home: Path, pid: int, mark: str) -> Run | None:
    """The run whose last heartbeat is of this process, whether it still lives or not."""
    for run in reversed(list_runs(home / "runs")):
        status = run.status
        if status.get("pid") == pid and status.get("process") in (mark, ""):
            return run
    return None


def _failure(code: int, log: Path) -> RealignError:
    """What the process said last, as an error of ours. The log goes where all of it has been told."""
    said = log.read_text(encoding="utf-8", errors="replace")
    found = _ERROR.search(said)
    if found is None:
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        failure = RealignError(f"the run ended before it had begun ({how})", f"what it said is in {log}")
    else:
        failure = RealignError(found["message"], found["hint"] or "")
        log.unlink(missing_ok=True)
    with contextlib.suppress(ValueError):
        failure.exit_code = ExitCode(code) if code else ExitCode.FAILED
    return failure


def _stop(process: subprocess.Popen[bytes]) -> None:
    """What it has finished by now is kept; it ends at its next step."""
    process.terminate()
    _reap_later(process)


def _reap_later(process: subprocess.Popen[bytes]) -> None:
    """A program that lives longer than the run must not keep the dead process in the system's table."""
    threading.Thread(target=process.wait, daemon=True).start()
