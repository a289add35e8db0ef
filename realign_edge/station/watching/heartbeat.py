"""Is the watcher alive, and how far is it? watch/status.json for dashboards and people, and systemd's watchdog."""

import os
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from realign_edge.files import write_json
from realign_edge.runs.process import process_mark
from realign_edge.runs.service import tell_manager

State = Literal["watching", "waiting for the folder", "stopped", "failed"]
# A watchdog may take a status that is older than a few of these for a dead watcher.
EVERY_S = 5.0
_ALIVE = ("watching", "waiting for the folder")


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
        # Each beat of the work itself: a watchdog that a thread of its own fed would see no hang.
        if state in _ALIVE:
            tell_manager(WATCHDOG=1)
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
        self._tell_manager(state, waiting, words)
        self._written, self._state = time.monotonic(), state

    def _tell_manager(self, state: State, waiting: int, words: str) -> None:
        status = f"{state}; {sum(self.counts.values())} photos, {waiting} waiting" + (f"; {words}" if words else "")
        if state not in _ALIVE:
            tell_manager(STOPPING=1, STATUS=status)
        elif self._state is None:
            tell_manager(READY=1, STATUS=status)
        else:
            tell_manager(STATUS=status)
