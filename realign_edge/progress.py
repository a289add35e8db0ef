"""How long work tells about itself: a protocol, and the silent implementation."""

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of one stage of work; implementations print, log, or stay silent."""

    def start(self, task: str, total: int, unit: str = "photos") -> None:
        """`task` begins; it has `total` units of work (0 = not known)."""

    def advance(self, done: int) -> None:
        """`done` units of the current task are finished (absolute, not an increment)."""

    def finish(self, note: str = "") -> None:
        """The current task is over; `note` says what came out, in a few words."""

    def warn(self, message: str) -> None:
        """Something a person should know, though the work goes on."""


class Silent:
    """Progress for tests and library use: says nothing."""

    def start(self, task: str, total: int, unit: str = "photos") -> None: ...

    def advance(self, done: int) -> None: ...

    def finish(self, note: str = "") -> None: ...

    def warn(self, message: str) -> None: ...
