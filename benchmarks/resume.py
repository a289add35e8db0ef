"""A subject that trains a few steps, stops, and goes on: does a resumed run end where an uninterrupted one does?"""

import os
import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from safetensors.torch import load_file

from benchmarks.job import Job, photo_of
from realign_edge.alignment.loop import Control, Uninterrupted
from realign_edge.alignment.trainer import Workspace, align
from realign_edge.errors import Interrupted
from realign_edge.progress import Silent
from realign_edge.vlm.features import FeatureStore

STEPS = 3


@dataclass
class StopAfter:
    """Wishes for an end once so many steps were told of."""

    steps: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def wish(self) -> Literal["go", "pause", "stop"]:
        """Stop, or go on."""
        return "stop" if sum(e["type"] == "step" for e in self.events) >= self.steps else "go"

    def wait_while_paused(self) -> None:
        """Never paused."""


class Resumed:
    """Both runs of one model."""

    def __init__(self, job: Job) -> None:
        # As `align` asks for it; on a GPU sums are else in whatever order they come.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        self.job, self.vlm = job, job.where.load(job.model)
        self.store = FeatureStore(job.folder / "caches" / "features", self.vlm)
        self.store.ensure([photo_of(sha, path) for sha, path in sorted(job.photos.items())], Silent())
        self.vlm.park_tower()
        self.settings = replace(
            job.settings, steps=STEPS, batch_pairs=job.batch, checkpoint_every=1, question_share=0.0, holdout_share=0.0
        )

    def round(self) -> float:
        """Seconds of an uninterrupted run."""
        began = time.perf_counter()
        self._train("timed", Uninterrupted(), [])
        return time.perf_counter() - began

    def both(self) -> dict[str, Any]:
        """An uninterrupted run, and one that was stopped after its second step and started again."""
        whole: list[dict[str, Any]] = []
        self._train("whole", Uninterrupted(), whole)
        stopped = StopAfter(2)
        try:
            self._train("stopped", stopped, stopped.events)
        except Interrupted:
            stopped.events.append({"type": "interrupted"})
        self._train("stopped", Uninterrupted(), stopped.events)
        adapters = [
            load_file(self.job.folder / name / "adapter" / "adapter_model.safetensors") for name in ("whole", "stopped")
        ]
        return {
            "losses": {"whole": _losses(whole), "resumed": _losses(stopped.events)},
            "seconds_a_step": [round(e["seconds"], 3) for e in whole if e["type"] == "step" and "seconds" in e],
            "interrupted": [e["type"] for e in stopped.events].count("interrupted"),
            "resumed_at": [e["step"] for e in stopped.events if e["type"] == "resumed"],
            "adapter_differs_by": max(float((a - adapters[1][n]).abs().max()) for n, a in adapters[0].items()),
        }

    def _train(self, name: str, control: Control, events: list[dict[str, Any]]) -> None:
        place = Workspace(self.job.folder / name, self.job.folder / "caches" / "references")
        place.run.mkdir(exist_ok=True)
        torch.manual_seed(0)
        align(
            self.vlm, self.job.pairs, self.store, self.settings, place,
            progress=Silent(), events=events.append, control=control,
        )  # fmt: skip


def _losses(events: list[dict[str, Any]]) -> list[float]:
    return [round(e["loss"], 6) for e in events if e["type"] == "step"]
