"""Is a watcher at work?"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from realign_edge.runs.process import process_mark
from realign_edge.station.watching.heartbeat import Heartbeat
from realign_edge.station.watching.pulse import watcher_pulse

AT = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)


def write(home: Path, **more: Any) -> None:
    me = {"pid": os.getpid(), "mark": process_mark(os.getpid()), "folder": "/in\x1b[31m", "at": AT.isoformat(),
          "state": "watching", "waiting": 2, "counts": {"inspected": 4}, "words": "", "last_event_at": ""}  # fmt: skip
    (home / "watch").mkdir(exist_ok=True)
    (home / "watch" / "status.json").write_text(json.dumps({**me, **more}))


def test_a_heartbeat_is_read_back(home: Path) -> None:
    beating = Heartbeat(home, Path("/incoming"))
    beating.count("inspected")
    beating.beat("watching", 3)
    found = watcher_pulse(home, time.time())
    assert found is not None
    assert (found.state, found.folder, found.waiting, found.counts) == ("watching", "/incoming", 3, {"inspected": 1})
    assert found.age_s is not None and found.event_age_s is not None


@pytest.mark.parametrize(
    ("more", "later", "state"),
    [
        ({}, 5, "watching"),
        ({}, 21, "silent"),
        ({"state": "waiting for the folder"}, 5, "waiting for the folder"),
        ({"state": "stopped", "pid": 1}, 5000, "stopped"),
        ({"state": "failed", "words": "no disk"}, 5, "failed"),
        ({"mark": "1"}, 5, "gone"),
        ({"pid": "x"}, 5, "gone"),
        ({"at": "yesterday"}, 5, "silent"),
    ],
)
def test_state(home: Path, more: dict[str, Any], later: float, state: str) -> None:
    write(home, **more)
    found = watcher_pulse(home, AT.timestamp() + later)
    assert found is not None and found.state == state
    assert found.folder == "/in" and found.event_age_s is None


def test_a_process_that_was_killed_is_gone(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        write(home, pid=process.pid, mark=process_mark(process.pid))
        alive = watcher_pulse(home, AT.timestamp())
        process.kill()
        process.wait()
    gone = watcher_pulse(home, AT.timestamp())
    assert alive is not None and alive.state == "watching"
    assert gone is not None and gone.state == "gone"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"waiting": "many", "counts": [1], "folder": null}'])
def test_damage_is_survived(home: Path, text: str) -> None:
    (home / "watch").mkdir()
    (home / "watch" / "status.json").write_text(text)
    found = watcher_pulse(home, 0.0)
    assert found is None or (found.state, found.waiting, found.counts) == ("gone", 0, {})
