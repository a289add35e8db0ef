"""events.jsonl: one JSON object a line, appended; a torn last line (power cut) is cut off at the next opening."""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class EventLog:
    """Appends events; each line is flushed, so that a reader sees it at once."""

    def __init__(self, path: Path) -> None:
        _cut_torn_tail(path)
        self._file = path.open("a", encoding="utf-8")

    def append(self, event: dict[str, Any]) -> None:
        """Write one event; NaN becomes null, `time` is added."""
        plain = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in event.items()}
        self._file.write(json.dumps({"time": round(time.time(), 3), **plain}, ensure_ascii=False) + "\n")
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
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            file.truncate(whole)
