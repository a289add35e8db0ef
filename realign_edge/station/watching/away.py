"""Putting a watched file away once its row is written: tried again where that fails, and told once."""

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from realign_edge.files import from_json, write_atomic
from realign_edge.station.watching.events import Event
from realign_edge.station.watching.handling import Replaced, explain_beside, move
from realign_edge.station.watching.heartbeat import now
from realign_edge.station.watching.intake import Found, Intake

_BESIDE = re.compile(r"\..+\.\d+\.tmp")


class Away:
    """Of one watched folder; whoever uses it holds the lock of the watcher.

    watch/beside.json names the file that is being written beside its place in `done` or `quarantine`. These folders may
    lie on a share that other stations write to as well, so that nothing else there is known to be this station's.
    """

    def __init__(self, home: Path, intake: Intake, tell: Callable[[Event], None]) -> None:
        self._record, self._intake, self._tell = home / "watch" / "beside.json", intake, tell
        self._stuck: set[Path] = set()

    def clear(self) -> None:
        """Take away what a watcher that was killed in the middle of a copy left half-written."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            beside = Path(str(from_json(self._record.read_bytes())["beside"]))
            if _BESIDE.fullmatch(beside.name) and beside.parent.is_dir():
                beside.unlink(missing_ok=True)
                self._record.unlink()

    def is_stuck(self, found: Found) -> bool:
        """Could it not be moved when that was tried last?"""
        return found.path in self._stuck

    def put(self, found: Found, target: Path | None, digest: str) -> str:
        """Move it below `target`; where it lies now, "" where it stays for now, or for good (None)."""
        if target is None:
            self._intake.finish(found)
            return ""
        try:
            moved = move(found, target, digest, self._remember)
        except (Replaced, FileNotFoundError):
            self._stuck.discard(found.path)
            self._intake.forget(found)
            return ""
        except OSError as problem:
            # There may be room, or the other disk, again: later looks find its row, and try once more.
            self._intake.put_off(found)
            if found.path not in self._stuck:
                self._stuck.add(found.path)
                words = f"cannot be moved to {target}: {problem.strerror}; tried again"
                self._tell(Event("trouble", found.name, words=words))
            return ""
        self._stuck.discard(found.path)
        self._intake.forget(found)
        return str(moved)

    def explain(self, place: str, reason: str) -> None:
        """Write beside a refused file why it was."""
        # The file lies where it should, and its row says why.
        with suppress(OSError):
            explain_beside(Path(place), reason, now(), self._remember)

    def _remember(self, beside: Path) -> None:
        # A copy is not given up for want of room in the state folder.
        with suppress(OSError):
            write_atomic(self._record, json.dumps({"beside": os.fspath(beside)}) + "\n")
