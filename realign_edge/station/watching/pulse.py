"""Is a watcher at work? What its heartbeat says, believed only as far as its process is alive."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from realign_edge.photos.text import clean
from realign_edge.runs.process import is_alive
from realign_edge.runs.run import read_json
from realign_edge.station.watching.heartbeat import EVERY_S

# A watcher that has said nothing for so many of its heartbeats is busy at best.
_SILENT = 4
_MOST_BYTES = 2**20


@dataclass(frozen=True)
class WatcherPulse:
    """state: `watching`, `waiting for the folder`, `silent` (alive, but no news), `stopped`, `failed`, or `gone`: it
    ended without a word. words: its own, why. age_s, event_age_s: seconds since its last heartbeat and since the last
    photo, None where there was none. counts: what happened to how many photos.
    """

    state: str
    folder: str
    waiting: int
    words: str = ""
    age_s: float | None = None
    event_age_s: float | None = None
    counts: dict[str, int] = field(default_factory=dict)


def watcher_pulse(home: Path, now: float) -> WatcherPulse | None:
    """None where no watcher was ever started on this station. now: seconds since the epoch."""
    said = read_json(home / "watch" / "status.json", _MOST_BYTES)
    if not said:
        return None
    age = _age(said.get("at"), now)
    counts = said.get("counts")
    return WatcherPulse(
        _state(said, age),
        clean(said.get("folder"))[:1000],
        int(said["waiting"]) if isinstance(said.get("waiting"), int) else 0,
        clean(said.get("words"))[:1000],
        age,
        _age(said.get("last_event_at"), now),
        {clean(k): v for k, v in counts.items() if isinstance(v, int)} if isinstance(counts, dict) else {},
    )


def _state(said: dict[str, Any], age: float | None) -> str:
    told, pid = clean(said.get("state")), said.get("pid")
    if told in ("stopped", "failed"):
        return told
    if not isinstance(pid, int) or not is_alive(pid, str(said.get("mark", ""))):
        return "gone"
    if age is None or age > _SILENT * EVERY_S:
        return "silent"
    return told


def _age(moment: object, now: float) -> float | None:
    try:
        return max(now - datetime.fromisoformat(str(moment)).timestamp(), 0.0)
    except (ValueError, OverflowError):
        return None
