"""One error family: every failure a user can meet says what, where and what to do."""

from enum import IntEnum


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
