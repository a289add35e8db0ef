"""Following events.jsonl as it grows: quick to open however long it is, and never surprised by what befalls a file."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realign_edge.monitoring.middle import Event, Middle, digest, parsed

Trouble = Literal["", "missing", "unreadable", "shorter", "replaced"]
# What a first reading takes in whole, and what a later one does; and when the first one ends its search of a long file.
_OPENING, _REFRESH = 16 * 2**20, 2**20
_SEARCH_S = 0.5
_MOST_LINE = 2**20
_SIGNATURE = 64


@dataclass(frozen=True)
class Read:
    """New events. anew: they are from the beginning, forget what was; trouble: what befell the file, reason: its words.

    sampled: the middle of the file was read in samples; behind: share of the file that has not been looked at.
    """

    events: list[Event]
    anew: bool = False
    trouble: Trouble = ""
    reason: str = ""
    sampled: bool = False
    behind: float = 0.0


class Tail:
    """Reads what came since the last time. Memory does not grow with the file."""

    def __init__(self, path: Path, opening: int = _OPENING, refresh: int = _REFRESH) -> None:
        self._path, self._opening, self._most = path, opening, refresh
        self._forget()
        self.unreadable = 0

    def _forget(self) -> None:
        self._offset, self._inode, self._head = 0, 0, b""
        self._middle: Middle | None = None
        self._sampled = False

    def read(self, budget_s: float = 0.015) -> Read:
        """Whole new lines as events; never raises. budget_s: for catching up with the middle of a long file."""
        try:
            with self._path.open("rb") as file:
                return self._from(file.fileno(), budget_s)
        except FileNotFoundError:
            return Read([], trouble="missing")
        except OSError as problem:
            return Read([], trouble="unreadable", reason=problem.strerror or str(problem))

    def _from(self, file: int, budget_s: float) -> Read:
        about = os.fstat(file)
        trouble = self._changed(file, about)
        if trouble:
            self._forget()
            self.unreadable = 0
        opened, began = self._offset == 0, time.perf_counter()
        self._inode = about.st_ino
        events = self._new_lines(file, about.st_size)
        if len(self._head) < _SIGNATURE:
            self._head = os.pread(file, min(_SIGNATURE, self._offset), 0)
        if self._middle is not None:
            left = _SEARCH_S - (time.perf_counter() - began)
            events += self._middle.more(file, max(left, budget_s) if opened else budget_s)
        behind = self._middle.left / about.st_size if self._middle is not None and about.st_size else 0.0
        return Read(events, bool(trouble), trouble, sampled=self._sampled, behind=behind)

    def _changed(self, file: int, about: os.stat_result) -> Trouble:
        """Is it another file than the last time, or less of it?"""
        if not self._offset:
            return ""
        if about.st_size < self._offset:
            return "shorter"
        if about.st_ino != self._inode or os.pread(file, len(self._head), 0) != self._head:
            return "replaced"
        return ""

    def _new_lines(self, file: int, size: int) -> list[Event]:
        if size - self._offset > self._opening:
            found = digest(file, self._offset, size)
            self._offset, self._middle, self._sampled = found.end, found.middle, True
            return found.events
        most = self._opening if self._offset == 0 else self._most
        data = os.pread(file, min(size - self._offset, most), self._offset)
        end = data.rfind(b"\n") + 1
        if not end and len(data) >= _MOST_LINE:
            # No event is so long: what it is cannot be known, and must not be waited for.
            self.unreadable += 1
            self._offset += len(data)
            return []
        self._offset += end
        return list(self._parsed(data[:end]))

    def _parsed(self, data: bytes) -> Iterator[Event]:
        for line in data.splitlines():
            event = parsed(line)
            if event is not None:
                yield event
            elif line.strip():
                self.unreadable += 1
