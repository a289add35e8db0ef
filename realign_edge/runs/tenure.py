"""A process's time on a run: how it begins, and that the run says how it ended."""

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from realign_edge.errors import Interrupted, explain
from realign_edge.files import finite
from realign_edge.runs.events import EventLog
from realign_edge.runs.run import Run

_MOST_WORDS = 1000


@contextmanager
def work_on(run: Run, stage: str) -> Iterator[EventLog]:
    """Take a run up: its first heartbeat is written before anything heavy begins.

    However the work ends, status.json tells: `stopped`, or `failed` with `error` and `hint`. A failure to tell
    never hides the failure itself.
    """
    run.begin()
    log = EventLog(run.folder / "events.jsonl")
    try:
        run.heartbeat(state="running", stage=stage)
        yield log
    except (Interrupted, KeyboardInterrupt):
        _tell(run, log, "stopped")
        raise
    except Exception as failure:
        inside = f"something went wrong inside realign-edge ({type(failure).__name__}: {failure})"
        error, hint = explain(failure) or (inside, "the details are in a file in the folder `logs`")
        run.sweep()
        _tell(run, log, "failed", error=error[:_MOST_WORDS], hint=hint[:_MOST_WORDS])
        raise
    finally:
        log.close()


def _tell(run: Run, log: EventLog, state: str, **more: str) -> None:
    with contextlib.suppress(OSError):
        _last_heartbeat(run, state, more)
    with contextlib.suppress(OSError):
        log.append({"type": state, **more})


def _last_heartbeat(run: Run, state: str, more: dict[str, Any]) -> None:
    try:
        run.turn(state, **more)
    except OSError:
        # On a full disk only the blocks that the old heartbeat has can still be written.
        about = {**run.status, "state": state, **more}
        data = json.dumps(finite(about), ensure_ascii=True, indent=2, sort_keys=True).encode() + b"\n"
        with (run.folder / "status.json").open("r+b", buffering=0) as file:
            file.write(data)
            file.truncate()
            os.fsync(file.fileno())
