"""What is known of a run's work now: its place, the figures of its last step, its last checkpoint."""

import time
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from realign_edge.runs.events import newest_events
from realign_edge.runs.run import Run

# Events that are read back; looks at the held-out pairs are many steps apart.
_LOOK_BACK = 2000


@dataclass(frozen=True)
class Snapshot:
    """One look at a run.

    status: its last heartbeat; step: the last step event ({} before the first); held_out: the last look at the
    held-out pairs ({} where there was none lately);
    checkpoint_step and checkpoint_age_s: of the newest checkpoint, None where there is none.
    """

    state: str
    status: dict[str, Any]
    step: dict[str, Any] = field(default_factory=dict)
    held_out: dict[str, Any] = field(default_factory=dict)
    checkpoint_step: int | None = None
    checkpoint_age_s: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return asdict(self)


def look_at(run: Run) -> Snapshot:
    """Read what a run tells now; cheap also for a run of a million steps."""
    step, written = newest_checkpoint(run)
    age = None if written is None else max(time.time() - written, 0.0)
    last = _last_of(run, ("step", "held_out"))
    return Snapshot(run.state, run.status, last["step"], last["held_out"], step, age)


def _last_of(run: Run, kinds: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The newest event of each kind among the last ones; {} for a kind that is not there."""
    found: dict[str, dict[str, Any]] = {}
    for event in islice(newest_events(run.folder / "events.jsonl"), _LOOK_BACK):
        found.setdefault(str(event.get("type")), event)
        if all(kind in found for kind in kinds):
            break
    return {kind: found.get(kind, {}) for kind in kinds}


def newest_checkpoint(run: Run) -> tuple[int | None, float | None]:
    """Step, and when it was written in seconds since the epoch; a checkpoint without its manifest is none."""
    for manifest in sorted((run.folder / "checkpoints").glob("step-*.json"), reverse=True):
        try:
            return int(manifest.stem.removeprefix("step-")), manifest.stat().st_mtime
        except (OSError, ValueError):
            continue
    return None, None
