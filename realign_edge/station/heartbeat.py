"""watch/status.json: is the watcher alive, and how far is it? For dashboards and watchdogs; people read its lines."""

import os
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from realign_edge.files import write_json
from realign_edge.runs.process import process_mark

State = Literal["watching", "waiting for the folder", "stopped", "failed"]
# A watchdog may take a status that is older than a few of these for a dead watcher.
EVERY_S = 5.0


def now() -> str:
    """UTC, ISO 8601 with seconds, as the rows have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Heartbeat:
    """Writes the status when something has happened, and every few seconds when nothing has."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.path = home / "watch" / "status.json"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.counts: Counter[str] = Counter()
        self.last_event = ""
        self._about = {
            "folder": str(folder),
            "pid": os.getpid(),
            "mark": process_mark(os.getpid()),
            "started_at": now(),
        }
        self._written = float("-inf")
        self._state: State | None = None

    def count(self, what: str) -> None:
        """Something has happened to a photo."""
        self.counts[what] += 1
        self.last_event = now()

    def beat(self, state: State, waiting: int, words: str = "") -> None:
        """Write it if it is due. waiting: files that are not dealt with; a full disk is not the heartbeat's to tell."""
        if state == self._state and time.monotonic() - self._written < EVERY_S:
            return
        status = {
            **self._about,
            "state": state,
            "words": words,
            "at": now(),
            "last_event_at": self.last_event,
            "waiting": waiting,
            "counts": dict(sorted(self.counts.items())),
        }
        with suppress(OSError):
            write_json(self.path, status)
        self._written, self._state = time.monotonic(), state
