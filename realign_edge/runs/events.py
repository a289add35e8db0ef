"""events.jsonl: one JSON object a line, appended; a torn last line (power cut) is cut off at the next opening."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from realign_edge.files import finite


class EventLog:
    """Appends events; each line is flushed, so that a reader sees it at once."""

    def __init__(self, path: Path) -> None:
        _cut_torn_tail(path)
        self._file = path.open("a", encoding="utf-8")

    def append(self, event: dict[str, Any]) -> None:
        """Write one event; NaN becomes null, `time` is added."""
        value = {"time": round(time.time(), 3), **finite(event)}
        self._file.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """No more events."""
        self._file.close()


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole event so far."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


def _cut_torn_tail(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        file.truncate(_end_of_whole_lines(file))


def _end_of_whole_lines(file: BinaryIO, block: int = 65536) -> int:
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
