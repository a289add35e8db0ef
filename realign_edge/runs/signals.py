"""Ctrl-C, SIGTERM and a closed terminal as a flag that work looks at; a second Ctrl-C ends at once."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_ANSWER = b"\nstopping after the current step (Ctrl-C again: at once)\n"


class StopFlag:
    """True once somebody asked for an end."""

    def __init__(self) -> None:
        self.set = False

    def __call__(self) -> bool:
        return self.set


@contextmanager
def stop_on_signals() -> Iterator[StopFlag]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into the flag.

    A process that was started to ignore SIGHUP (nohup, a detached run) goes on ignoring it.
    """
    flag = StopFlag()

    def asked(number: int, _frame: FrameType | None) -> None:
        if flag.set and number == signal.SIGINT:
            raise KeyboardInterrupt
        flag.set = True
        if number == signal.SIGINT and sys.stderr.isatty():
            # Not print(): a handler may run while another write to the same stream is under way.
            with suppress(OSError):
                os.write(sys.stderr.fileno(), _ANSWER)

    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    before = {s: signal.signal(s, asked) for s in heard}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
