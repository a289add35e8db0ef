"""Run by test_memory.py: each case is a training run in a process of its own, forked so that imports are paid once.

Arguments: the folder of a model, and a JSON list of cases. Prints a JSON list of what was forecast, and of what
the process had resident at the most (VmHWM), in bytes.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import peft  # noqa: F401 - before the fork
import torch

from realign_edge.alignment.batches import Item
from realign_edge.alignment.machine import give_back_at_once, used_memory
from realign_edge.alignment.memory import geometry_of, peak
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.vlm.sight import Prefix, Sight, blocks_of

IMAGE_TOKENS = 256


class Features:
    """One photo for all."""

    def __init__(self, tokens: torch.Tensor, width: int, deep: int) -> None:
        more = torch.randn(deep, len(tokens), width) if deep else None
        self.sight = Sight(tokens, features=torch.randn(len(tokens), width), deep=more)

    def sights(self, names: Sequence[str]) -> list[Sight]:
        return [self.sight] * len(names)


def highest() -> int:
    """Bytes resident at the most since `clear_refs` was written to."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def pair(number: int) -> PreferencePair:
    return PreferencePair(str(number), str(number), "?", str(number), "no", "note", Provenance("record"))


def measured(model: str, pairs: int, prompt: int, answer: int, dtype: str, **more: Any) -> dict[str, int]:
    """One training step as the trainer does it."""
    from realign_edge.alignment.fused import fused_lora
    from realign_edge.alignment.gradient import Learner
    from realign_edge.alignment.lora import inject, trainable
    from realign_edge.alignment.trainer import _training
    from realign_edge.progress import Silent
    from realign_edge.team import Alone
    from realign_edge.vlm.load import load_vlm

    give_back_at_once()
    settings = AlignmentSettings(**more)
    vlm = load_vlm(model, dtype=getattr(torch, dtype))
    photo = torch.full((IMAGE_TOKENS,), vlm.image_token_id)
    ids = torch.cat([photo, torch.arange(300, 300 + prompt)])
    config = vlm.model.config
    axes = 3 if hasattr(config, "vision_start_token_id") else 1
    places = torch.arange(len(ids)).expand(axes, -1)
    prefix = Prefix(ids, places, blocks_of(ids == vlm.image_token_id, vlm.family.both_ways))
    answers = torch.randint(300, 7000, (2 * pairs, answer))
    items = [Item(pair(i), prefix, prefix, answers[2 * i], answers[2 * i + 1]) for i in range(pairs)]
    deep = len(getattr(config.vision_config, "deepstack_visual_indexes", ()))
    store: Any = Features(photo, config.get_text_config().hidden_size, deep)
    # The base is rounded up, which for a small model hides what is compared here; so it is put right.
    rounded = geometry_of(vlm)
    geometry = replace(rounded, base=used_memory(vlm.device) - rounded.weights)
    assert 0 <= rounded.base - geometry.base < 256 * 2**20
    forecast = peak(geometry, settings, items, settings.micro_tokens)
    Path("/proc/self/clear_refs").write_text("5")
    inject(vlm, settings)
    parameters = list(trainable(vlm).values())
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    reference = {i.pair.pair_id: torch.zeros(4) for i in items}
    learner = Learner(vlm, store, items, settings, reference, settings.micro_tokens, Silent(), Alone())
    with fused_lora(vlm), _training(vlm, settings):
        learner.gradient(range(len(items)), settings.objective)
        optimizer.step()
        if os.environ.get("TWICE"):
            learner.gradient(range(len(items)), settings.objective)
    return {"forecast": forecast.total, "before": geometry.base + geometry.weights, "measured": highest()}


def in_a_fork(model: str, case: dict[str, Any]) -> dict[str, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            out.write(json.dumps(measured(model, **case)))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    found: dict[str, int] = json.loads(text)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps([in_a_fork(sys.argv[1], case) for case in json.loads(sys.argv[2])]))
