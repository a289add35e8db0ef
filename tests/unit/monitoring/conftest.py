"""A run's folder that a test writes as a process would, line by line."""

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from realign_edge.runs.run import Run, create_run

T0 = 1_760_000_000.0


@dataclass
class Written:
    """`now` goes on with every event."""

    run: Run
    now: float = T0
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def events(self) -> Path:
        return self.run.folder / "events.jsonl"

    def tell(self, kind: str, /, after: float = 1.0, **values: Any) -> None:
        """One event, `after` seconds behind the last one."""
        self.now += after
        event = {"time": self.now, "type": kind, **values}
        self.told.append(event)
        with self.events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def step(self, step: int, steps: int = 60, **values: Any) -> None:
        figures = {"loss": 2.0 - step / steps, "text_accuracy": 0.9, "chosen_change": 0.2, "pairs_per_s": 20.0}
        left = {"seconds_left": float(steps - step)}
        self.tell("step", step=step, steps=steps, **{**figures, **left, **values})

    def beat(self, state: str = "running", **values: Any) -> None:
        """A heartbeat of this process at `now`."""
        self.run.heartbeat(state=state, **values)
        path = self.run.folder / "status.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "time": self.now}))

    def checkpoint(self, step: int) -> None:
        folder = self.run.folder / "checkpoints"
        folder.mkdir(exist_ok=True)
        (folder / f"step-{step:07d}.safetensors").write_bytes(b"x" * 1000)
        manifest = folder / f"step-{step:07d}.json"
        manifest.write_text("{}")
        os.utime(manifest, (self.now, self.now))

    def sample(self, name: str, step: int = 10, now: str = "A crack.", **more: Any) -> None:
        """A `sample` event in which the answer before names a dent that is not there."""
        before = {"text": "A dent.", "marks": [[2, 6]], "absent": ["dent"], "missed": ["crack"]}
        found = {"text": now, "marks": [], "absent": [], "missed": []}
        about = {"step": step, "name": name, "question": "Describe it.", "record": "Crack."}
        self.tell("sample", **{**about, "before": before, "now": found, **more})

    def evaluate(self, adopt: bool, reasons: tuple[str, ...] = ()) -> None:
        chair = {side: {"value": value, "low": 0.0, "high": 0.2, "n": 77} for side, value in SHARES.items()}
        decision = {"adopt": adopt, "sentence": "s", "reasons": list(reasons)}
        value = {"photos": 77, "figures": {"chair_i": chair}, "decision": decision}
        (self.run.folder / "evaluation.json").write_text(json.dumps(value))


SHARES = {"before": 0.12, "after": 0.06, "difference": -0.06}


@pytest.fixture
def written(tmp_path: Path) -> Written:
    photos = tmp_path / "floor"
    (photos / "a").mkdir(parents=True)
    for name in ("one.jpg", "two.jpg"):
        (photos / "a" / name).write_bytes(b"photo")
    about = {"model": "nano", "photos": str(photos)}
    return Written(create_run(tmp_path / "runs", "aaaa", about, "", datetime(2026, 1, 1)))
