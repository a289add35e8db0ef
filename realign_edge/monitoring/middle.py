"""A long events.jsonl in a second: its ends whole, samples of its middle, and a search there for what is rare."""

import os
import re
import time
from dataclasses import dataclass
from typing import Any

from realign_edge.files import from_json

Event = dict[str, Any]
_HEAD, _TAIL = 2**20, 2 * 2**20
_SAMPLES, _SAMPLE_BYTES = 160, 32 * 2**10
_CHUNK = 2 * 2**20
# What comes at every step or look is sampled; everything else is looked for, wherever it stands.
_COMMON = ("step", "held_out", "checkpoint", "progress")
_RARE = re.compile(rb'"type": "(?!(?:step|held_out|checkpoint|progress)")')


class Middle:
    """Searches [start, end) of a file for rare events, in slices of time."""

    def __init__(self, start: int, end: int) -> None:
        self._at, self._end = start, end

    @property
    def left(self) -> int:
        """Bytes that have not been searched."""
        return self._end - self._at

    def more(self, file: int, budget_s: float) -> list[Event]:
        """Rare events of the next stretch."""
        found: list[Event] = []
        until = time.perf_counter() + budget_s
        while self._at < self._end and time.perf_counter() < until:
            data = os.pread(file, min(_CHUNK, self._end - self._at), self._at)
            if not data:
                self._at = self._end
                break
            whole = data.rfind(b"\n") + 1 or len(data)
            self._at += whole
            found += _rare_in(data[:whole], until)
        return found


def _rare_in(data: bytes, until: float) -> list[Event]:
    found: list[Event] = []
    behind = 0
    for match in _RARE.finditer(data):
        if match.start() < behind:
            continue
        start = data.rfind(b"\n", 0, match.start()) + 1
        behind = data.find(b"\n", match.end()) + 1 or len(data)
        event = parsed(data[start:behind])
        if event is not None and event.get("type") not in _COMMON:
            found.append(event)
        if len(found) % 64 == 63 and time.perf_counter() > until:
            break
    return found


@dataclass(frozen=True)
class Digest:
    """What was read of a long stretch; end: offset behind its last whole line."""

    events: list[Event]
    middle: Middle
    end: int


def digest(file: int, start: int, size: int) -> Digest:
    """Both ends of [start, size) whole, and of what lies between common events in samples at equal distances."""
    head = os.pread(file, _HEAD, start)
    head = head[: head.rfind(b"\n") + 1]
    tail_at = size - _TAIL
    tail = os.pread(file, _TAIL, tail_at)
    first, last = tail.find(b"\n") + 1, tail.rfind(b"\n") + 1
    between = (start + len(head), tail_at + first)
    events = _all_in(head)
    distance = (between[1] - between[0]) / _SAMPLES
    for i in range(_SAMPLES):
        data = os.pread(file, min(_SAMPLE_BYTES, int(distance)), between[0] + int(i * distance))
        inner = data[data.find(b"\n") + 1 : data.rfind(b"\n") + 1]
        events += [e for e in _all_in(inner) if e.get("type") in _COMMON]
    events += _all_in(tail[first:last])
    return Digest(events, Middle(*between), tail_at + last if last else size)


def _all_in(data: bytes) -> list[Event]:
    return [event for line in data.splitlines() if (event := parsed(line)) is not None]


def parsed(line: bytes) -> Event | None:
    """A line as an event, None where it is none."""
    try:
        value = from_json(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
