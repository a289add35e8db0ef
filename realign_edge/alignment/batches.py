"""From pairs to tensors: which pairs a step takes, how they are packed, and their log-probabilities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from realign_edge.alignment.objectives import (
    NEEDS_REJECTED,
    NEEDS_REJECTED_RETRIEVED,
    NEEDS_RETRIEVED,
    Logps,
)
from realign_edge.preferences.model import PreferencePair
from realign_edge.vlm.branches import Branch, branch_logps, pack
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm


@dataclass(frozen=True)
class Item:
    """A tokenised pair: prompt (P,), chosen (W,) and rejected (L,) token ids, EOS included."""

    pair: PreferencePair
    prompt: Tensor
    chosen: Tensor
    rejected: Tensor

    @property
    def tokens(self) -> int:
        """Tokens of both packed sequences."""
        own = len(self.prompt) + len(self.chosen) + len(self.rejected)
        return own + (len(self.prompt) + len(self.chosen) if self.pair.retrieved else 0)


def tokenised(vlm: Vlm, pairs: Sequence[PreferencePair]) -> list[Item]:
    """Tokenise pairs; prompts are remembered."""
    prompts = {p: vlm.prompt_ids(p) for p in dict.fromkeys(pair.prompt for pair in pairs)}
    return [
        Item(p, prompts[p.prompt], vlm.answer_ids(p.prompt, p.chosen), vlm.answer_ids(p.prompt, p.rejected))
        for p in pairs
    ]


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


def micro_batches(items: Sequence[Item], micro_tokens: int) -> list[list[int]]:
    """Positions of items in groups of about equal length whose padded size stays below `micro_tokens`."""
    order = sorted(range(len(items)), key=lambda i: (items[i].tokens, i))
    groups: list[list[int]] = []
    for i in order:
        if groups and items[i].tokens * (len(groups[-1]) + 1) <= micro_tokens:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def pair_logps(vlm: Vlm, store: FeatureStore, items: Sequence[Item], objective: str) -> Logps:
    """Summed log-probabilities of the answers that `objective` needs, (batch,) each; 0 for the others."""
    own = [[Branch(i.chosen)] + ([Branch(i.rejected)] if objective in NEEDS_REJECTED else []) for i in items]
    features = store.image_features([i.pair.photo for i in items]).to(vlm.device)
    first = branch_logps(vlm, pack([i.prompt for i in items], own), features)
    chosen, rejected = _columns(first, len(items), 2 if objective in NEEDS_REJECTED else 1)
    zeros = torch.zeros_like(chosen)
    with_other = [n for n, i in enumerate(items) if i.pair.retrieved] if objective in NEEDS_RETRIEVED else []
    if not with_other:
        return Logps(chosen, rejected, zeros, zeros)
    both = objective in NEEDS_REJECTED_RETRIEVED
    there = [items[n] for n in with_other]
    other = [[Branch(i.chosen)] + ([Branch(i.rejected)] if both else []) for i in there]
    seen = store.image_features([i.pair.retrieved for i in there]).to(vlm.device)
    second = branch_logps(vlm, pack([i.prompt for i in there], other), seen)
    columns = _columns(second, len(there), 2 if both else 1)
    rows = torch.tensor(with_other, device=zeros.device)
    return Logps(chosen, rejected, *(zeros.index_add(0, rows, c) for c in columns))


def _columns(logps: Tensor, rows: int, width: int) -> tuple[Tensor, Tensor]:
    table = logps.view(rows, width)
    return table[:, 0], table[:, 1] if width == 2 else torch.zeros_like(table[:, 0])
