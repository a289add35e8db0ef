"""When: how many steps, which pairs each takes, and the learning rate of each."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from realign_edge.alignment.batches import Item
from realign_edge.alignment.settings import AlignmentSettings


def step_count(settings: AlignmentSettings, pairs: int) -> int:
    """How many optimiser steps `pairs` pairs get."""
    rounds = pairs / settings.batch_pairs
    return min(settings.steps or math.ceil(rounds * settings.epochs), math.ceil(rounds * settings.max_epochs))


def learning_rate(settings: AlignmentSettings, step: int, steps: int) -> float:
    """Linear warm-up over `warmup_ratio` of the steps, then a cosine to zero."""
    warmup = max(1, math.ceil(settings.warmup_ratio * steps))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def schedule(items: Sequence[Item], steps: int, batch: int, question_share: float, seed: int) -> list[list[int]]:
    """Which items each step takes. Notes and questions are two streams, each shuffled anew every epoch."""
    notes = [i for i, item in enumerate(items) if item.pair.kind == "note"]
    questions = [i for i, item in enumerate(items) if item.pair.kind != "note"]
    asked = round(batch * question_share) if notes and questions else (batch if questions else 0)
    streams = [(_stream(notes, seed, 1), batch - asked), (_stream(questions, seed, 2), asked)]
    return [[next(stream) for stream, count in streams for _ in range(count)] for _ in range(steps)]


def _stream(indices: Sequence[int], seed: int, salt: int) -> Iterator[int]:
    epoch = 0
    while True:
        for i in np.random.default_rng([seed, salt, epoch]).permutation(len(indices)):
            yield indices[i]
        epoch += 1
