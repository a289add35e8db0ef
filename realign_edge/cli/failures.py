"""Every failure becomes one plain message on stderr and an exit code; our own mistakes also leave a log."""

import os
import sys
import tempfile
import traceback
from datetime import datetime
from pathlib import Path

import typer
from typer.exceptions import TyperException

from realign_edge import __version__
from realign_edge.cli.options import say
from realign_edge.errors import ExitCode, Interrupted, RealignError, explain
from realign_edge.noticeboard import pin_failure, pin_told, place, told
from realign_edge.team import MemberLostError, assembled

# How long a process that failed in a team waits for the first one to say so.
_HEARD_S = 10.0


def report(failure: BaseException) -> ExitCode:
    """Say what happened and what to do; the exit code that stands for it.

    In a team the first process speaks, also of what happened in another one.
    """
    rank, size = place()
    if rank == 0:
        code = _told(failure)
        pin_told()
        return code
    if isinstance(failure, Interrupted | MemberLostError):
        # Ends without a word, and with 0, so that the launcher leaves the first process time to end well.
        return ExitCode.DONE
    words = explain(failure)
    if words is None and not isinstance(failure, TyperException | KeyboardInterrupt | typer.Abort):
        log = write_log(failure)
        words = f"{type(failure).__name__}: {failure}", f"the details are in {log} on its machine" if log else ""
    pin_failure(f"process {rank} of {size}: {': '.join(filter(None, words))}" if words else str(failure))
    # The first process notices that this one is gone, or, before they met, most likely fails in the same way.
    if assembled() or told(_HEARD_S):
        return ExitCode.FAILED
    return _told(failure)


def _told(failure: BaseException) -> ExitCode:
    if isinstance(failure, RealignError):
        _tell(failure.message, failure.hint)
        return failure.exit_code
    if isinstance(failure, TyperException):
        return _command_line(failure)
    if isinstance(failure, KeyboardInterrupt | typer.Abort):
        say("stopped\nhint: what was finished is kept; run the same command again to go on")
        return ExitCode.INTERRUPTED
    if os.environ.get("REALIGN_EDGE_DEBUG"):
        traceback.print_exception(failure)
    elif (words := explain(failure)) is not None:
        _tell(*words)
    else:
        _ours(failure)
    return ExitCode.FAILED


def _tell(message: str, hint: str = "") -> None:
    say(f"error: {message}" + (f"\nhint: {hint}" if hint else ""))


def _command_line(failure: TyperException) -> ExitCode:
    """Words on the command line that make no sense."""
    context = getattr(failure, "ctx", None)
    if context is None:
        _tell(failure.format_message())
    elif type(failure).__name__ == "NoArgsIsHelpError":
        say(failure.format_message())
    else:
        say(context.get_usage())
        _tell(failure.format_message(), f"see `{context.command_path} --help`")
    return ExitCode.USAGE


def _ours(failure: BaseException) -> None:
    """A mistake of ours: the traceback is for the engineer, the technician is told where it lies."""
    log = write_log(failure)
    _tell(
        f"something went wrong inside realign-edge ({type(failure).__name__}: {failure})",
        f"the details are in {log}; please pass that file on" if log else "REALIGN_EDGE_DEBUG=1 shows the details",
    )


def write_log(failure: BaseException) -> Path | None:
    """Command, versions and traceback in a file of their own; None where nothing can be written at all."""
    text = "\n".join(
        [
            f"time: {datetime.now().isoformat(timespec='seconds')}",
            f"command: {sys.argv}",
            f"realign-edge {__version__}, Python {sys.version}",
            "",
            "".join(traceback.format_exception(failure)),
        ]
    )
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    for folder in (_logs, _temporary):
        try:
            path = folder() / name
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    return None


def _logs() -> Path:
    from realign_edge.home import home

    folder = home() / "logs"
    folder.mkdir(exist_ok=True)
    return folder


def _temporary() -> Path:
    return Path(tempfile.mkdtemp(prefix="realign-edge-"))
