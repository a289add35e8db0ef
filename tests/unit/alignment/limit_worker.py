"""Run by test_gradient.py in a process of its own, whose memory is limited (RLIMIT_AS) in the middle.

Prints the token budget that it ended with, the largest relative difference to the gradient that it had computed
without a limit, and how many warnings it gave.
"""

import resource
import sys
from collections.abc import Sequence
from typing import Any

import psutil
import torch
from PIL import Image

from realign_edge.alignment.batches import tokenised
from realign_edge.alignment.gradient import Learner
from realign_edge.alignment.lora import inject, trainable
from realign_edge.alignment.machine import give_back_at_once
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.progress import Silent
from realign_edge.team import Alone
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.sight import Layout, Sight

PAIRS, ROOM, OBJECTIVE = 32, 80 * 2**20, "rdpo-anchored"


class Warnings(Silent):
    count = 0

    def warn(self, message: str) -> None:  # noqa: ARG002
        self.count += 1


class Photos:
    def __init__(self, vlm: Any) -> None:
        (self.sight,) = vlm.sights([Image.new("RGB", (128, 128))])

    def sights(self, names: Sequence[str]) -> list[Sight]:
        return [self.sight] * len(names)

    def layouts(self, names: Sequence[str]) -> list[Layout]:
        return [self.sight.layout] * len(names)


torch.set_num_threads(1)
give_back_at_once()
vlm = load_vlm(sys.argv[1])
pairs = [
    PreferencePair(str(i), "other", "Is it rust?", f"No, gear {i}.", "Yes, rust.", "yes_no", Provenance("record"))
    for i in range(PAIRS)
]
store: Any = Photos(vlm)
items = tokenised(vlm, store, pairs)
settings = AlignmentSettings(lora_rank=4)
inject(vlm, settings)
reference = {p.pair_id: torch.zeros(4) for p in pairs}
progress = Warnings()
learner = Learner(vlm, store, items, settings, reference, 1000, progress, Alone())


def gradient(budget: int) -> list[torch.Tensor]:
    learner.budget = budget
    learner.gradient(range(PAIRS), OBJECTIVE)
    return [p.grad.clone() for p in trainable(vlm).values() if p.grad is not None]


expected = gradient(1000)
resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + ROOM, resource.RLIM_INFINITY))
found = gradient(30_000)
# B alone has a gradient at the start, since it is 0.
worst = max(
    float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, expected, strict=True) if float(b.abs().max())
)
print(learner.budget, worst, progress.count)
