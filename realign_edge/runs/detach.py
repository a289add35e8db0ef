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
    """A run that goes on by itself. log: the file that takes what its process prints; code: its exit code, waited
    for so many seconds, None while it goes on."""

    run: Run
    pid: int
    log: Path
    code: Callable[[float], int | None]


def _unheard(line: str) -> None:
    """Nobody waits for words."""


def detach(
    home: Path,
    arguments: Sequence[str],
    waiting: Callable[[], bool] = lambda: True,
    say: Callable[[str], None] = _unheard,
) -> Detached:
    """Start `realign-edge ARGUMENTS` in a session of its own, and return once it has created or taken up its run.

    arguments: `["align", "./photos", "--seed", "1"]`; relative paths are those of this process.
    waiting: asked ten times a second; on False, and on Ctrl-C, the process is stopped again.
    say: takes what the process prints before it has a run: reading many photos takes its time.

    Raises:
        RealignError: the process failed before it had a run; message, hint and `exit_code` are its own.
        Interrupted: `waiting()` said so.
        OSError: the log cannot be written.
    """
    log = _new_log(home)
    process = _start(home, arguments, log)
    mark, heard = process_mark(process.pid), 0
    try:
        while waiting():
            heard = _pass_on(log, heard, say)
            # In this order: a process that has ended can have no run that is not seen afterwards.
            code = process.poll()
            run = _run_of(home, process.pid, mark)
            if code not in _WELL or (code is not None and run is None):
                raise _failure(code or 0, log)
            if run is not None:
                return Detached(run, process.pid, log, _reap_later(process))
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


def _pass_on(log: Path, heard: int, say: Callable[[str], None]) -> int:
    """Whole new lines of the log; how much of it has been heard then. Errors are told by whoever meets them."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(heard)
        data = file.read()
        end = data.rfind(b"\n") + 1
        for line in data[:end].decode("utf-8", "replace").splitlines():
            if not line.startswith(("error:", "hint:")):
                say(line)
        return heard + end
    return heard


def _reap_later(process: subprocess.Popen[bytes]) -> Callable[[float], int | None]:
    """A program that lives longer than the run must not keep the dead process in the system's table.

    Returns what waits so many seconds for the exit code.
    """
    thread = threading.Thread(target=process.wait, daemon=True)
    thread.start()

    def code(timeout_s: float) -> int | None:
        thread.join(timeout_s)
        return process.returncode

    return code
