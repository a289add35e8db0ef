"""events.jsonl: one JSON object a line, appended; a torn last line (power cut) is cut off at the next opening.

A full disk tears no line either: what was written of it is taken back at once.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from realign_edge.files import finite, from_json


class EventLog:
    """Appends events; each line is written whole and at once, so that a reader sees it."""

    def __init__(self, path: Path) -> None:
        _cut_torn_tail(path)
        self._path = path
        # Without a buffer: what a full disk refused must not be tried again when the file is closed.
        self._file = path.open("ab", buffering=0)

    def append(self, event: dict[str, Any]) -> None:
        """Write one event; NaN becomes null, `time` is added.

        Raises:
            OSError: the line could not be written; nothing of it stays.
        """
        value = {"time": round(time.time(), 3), **finite(event)}
        line = (json.dumps(value, ensure_ascii=False) + "\n").encode()
        whole = os.fstat(self._file.fileno()).st_size
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as problem:
            with contextlib.suppress(OSError):
                self._file.truncate(whole)
            problem.filename = problem.filename or str(self._path)
            raise

    def close(self) -> None:
        """No more events."""
        self._file.close()


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole event so far."""
    if not path.exists():
        return
    with path.open("rb") as file:
        yield from _events(file)


def newest_events(path: Path, block: int = 65536) -> Iterator[dict[str, Any]]:
    """Every whole event, the newest first; read from the end, since a log may be long."""
    if not path.exists():
        return
    with path.open("rb") as file:
        end, rest = end_of_whole_lines(file), b""
        while end:
            start = max(end - block, 0)
            file.seek(start)
            lines = (file.read(end - start) + rest).split(b"\n")
            rest, end = lines[0], start
            yield from _events(reversed(lines[1:]))
        yield from _events([rest])


def _events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            value = from_json(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _cut_torn_tail(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        file.truncate(end_of_whole_lines(file))


def end_of_whole_lines(file: IO[bytes], block: int = 65536) -> int:
    """Offset behind the last newline, 0 without one; read from the end, since a log may be long."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(end - block, 0)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
