"""One error family: every failure a user can meet says what, where and what to do."""

import errno
import os
from enum import IntEnum
from pathlib import Path

_ROOM = "free some space, then run the same command again"
_FEWER = "delete files that nobody needs: this disk can hold no more of them (df -i); then run the same command again"
# Libraries in Rust (safetensors, tokenizers) put the system's error into the text of their own.
FULL_IN_RUST = "(os error 28)"
# What the system says when the machine, not the program, is at fault.
_SYSTEM = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: "free some space in your quota, then run the same command again",
    errno.EFBIG: "allow larger files (ulimit -f), then run the same command again",
    errno.EACCES: "give this user access to it, or name another place",
    errno.EPERM: "give this user access to it, or name another place",
    errno.EROFS: "name a place that can be written to; state lives under REALIGN_EDGE_HOME",
    errno.EMFILE: "allow more open files (ulimit -n), then run the same command again",
    errno.ENOMEM: "close other programs, then run the same command again",
}


class ExitCode(IntEnum):
    """Exit codes of every command (documented in the README, tested in tests/integration)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    MISSING = 3
    GATE = 4
    INTERRUPTED = 130


class RealignError(Exception):
    """The work failed in a way we can explain.

    `message` says what happened and where, `hint` says what to do about it; `main()` prints both on
    stderr and exits with `exit_code`.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RealignError):
    """The command line or a configuration file asks for something that makes no sense."""

    exit_code = ExitCode.USAGE


class MissingError(RealignError):
    """A model, a photo folder or other data that the work needs is not there, or cannot be read."""

    exit_code = ExitCode.MISSING


class GateError(RealignError):
    """The work finished but did not pass its gate."""

    exit_code = ExitCode.GATE


class Interrupted(RealignError):  # noqa: N818 - nothing failed
    """A person or the system asked the work to stop; it can be resumed."""

    exit_code = ExitCode.INTERRUPTED


def no_more_files(path: str | os.PathLike[str]) -> bool:
    """Is the disk of this path, or of the nearest folder above it that is there, full of files, whatever their size?"""
    for place in (Path(path), *Path(path).parents):
        try:
            room = os.statvfs(place)
        except OSError:
            continue
        # A file system without a limit says that it has none at all.
        return room.f_files > 0 and room.f_favail == 0
    return False


def explain(failure: BaseException) -> tuple[str, str] | None:
    """What happened and what to do about it; None where the program, not the machine or its user, is at fault."""
    if isinstance(failure, RealignError):
        return failure.message, failure.hint
    if isinstance(failure, OSError) and failure.errno in _SYSTEM:
        place = f": {failure.filename}" if failure.filename else ""
        few = failure.errno == errno.ENOSPC and no_more_files(failure.filename or "")
        return f"{failure.strerror or 'the system refused'}{place}", _FEWER if few else _SYSTEM[failure.errno]
    if isinstance(failure, OSError) and failure.args and "[Errno 28]" in str(failure.args):
        # shutil.copytree tells of every file that it could not copy: (from, to, why) each.
        listed = failure.args[0]
        place = f": {listed[0][1]}" if isinstance(listed, list) and listed and len(listed[0]) > 1 else ""
        return f"No space left on device{place}", _ROOM
    # By name, since torch, which has an error of its own for the GPU, is not loaded here.
    if isinstance(failure, MemoryError) or type(failure).__name__ == "OutOfMemoryError":
        return "the memory of this machine does not suffice", "make alignment.micro_tokens or the photos smaller"
    if FULL_IN_RUST in str(failure):
        return f"No space left on device ({failure})", _ROOM
    return None
