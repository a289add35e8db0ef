"""Ctrl-C and SIGTERM as a flag that work looks at; a second Ctrl-C ends at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopFlag:
    """True once somebody asked for an end."""

    def __init__(self) -> None:
        self.set = False

    def __call__(self) -> bool:
        return self.set


@contextmanager
def stop_on_signals() -> Iterator[StopFlag]:
    """Turn the first SIGINT or SIGTERM into the flag."""
    flag = StopFlag()

    def asked(number: int, _frame: FrameType | None) -> None:
        if flag.set and number == signal.SIGINT:
            raise KeyboardInterrupt
        flag.set = True

    before = {s: signal.signal(s, asked) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
