"""The gradient of a step: over token-budget groups, on one process or several, also when memory runs out."""

import gc
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from realign_edge.alignment.batches import Item, micro_batches, padded_tokens, pair_logps
from realign_edge.alignment.lora import trainable
from realign_edge.alignment.monitor import FIGURES, figures_of
from realign_edge.alignment.objectives import OBJECTIVES, rewards
from realign_edge.alignment.reference import as_logps
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import RealignError
from realign_edge.progress import Progress
from realign_edge.team import Team, mine
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm

_NO_MEMORY = "memory"


class OutOfMemoryError(RealignError):
    """One pair alone does not fit."""


@dataclass
class Learner:
    """What a step needs: the model with its adapter, the items and their reference. `budget` may shrink."""

    vlm: Vlm
    store: FeatureStore
    items: Sequence[Item]
    settings: AlignmentSettings
    reference: Mapping[str, Tensor]
    budget: int
    progress: Progress
    team: Team

    def gradient(self, indices: Sequence[int], objective: str) -> Tensor:
        """Accumulate the gradient of the mean loss of these items; their figures, (items, len(FIGURES)).

        Where memory does not suffice the step is begun again with half the token budget: the gradient is
        the same up to the order of summation.

        Raises:
            OutOfMemoryError: not even one pair at a time fits.
            RealignError: a loss is not finite; the message names the pair.
        """
        share = mine(self.team, by_length(self.items, indices, objective))
        parameters = list(trainable(self.vlm).values())
        while True:
            for parameter in parameters:
                parameter.grad = None
            table, trouble = self._accumulated(share, objective, len(indices))
            # Everybody learns of anybody's trouble, so that nobody waits for one who has stopped.
            troubles = [t for t in self.team.gather(trouble) if t]
            if not troubles:
                break
            if set(troubles) != {_NO_MEMORY}:
                raise diverged(next(t for t in troubles if t != _NO_MEMORY))
            self._halve(indices, objective)
        if self.team.size > 1:
            for parameter in parameters:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
            self.team.add([p.grad for p in parameters])
            table = torch.cat(self.team.gather(table))
        return table

    @torch.no_grad()
    def figures(self, indices: Sequence[int], objective: str) -> Tensor:
        """Figures of these items under the present weights, (items, len(FIGURES)), without a gradient."""
        share = mine(self.team, by_length(self.items, indices, objective))
        items = [self.items[i] for i in share]
        groups = micro_batches(items, self.budget, objective)
        tables = [self._losses([items[i] for i in group], objective)[1] for group in groups]
        return torch.cat([t for part in self.team.gather(tables) for t in part])

    def largest(self, indices: Sequence[int], objective: str) -> Item:
        """The item whose own gradient is the largest, or is not a number: who to blame for a bad step."""
        worst, found = -1.0, self.items[indices[0]]
        for i in indices:
            for parameter in trainable(self.vlm).values():
                parameter.grad = None
            self._losses([self.items[i]], objective)[0].sum().backward()
            norm = math.sqrt(
                sum(float(p.grad.double().square().sum()) for p in trainable(self.vlm).values() if p.grad is not None)
            )
            if not math.isfinite(norm):
                return self.items[i]
            if norm > worst:
                worst, found = norm, self.items[i]
        return found

    def _accumulated(self, share: Sequence[int], objective: str, count: int) -> tuple[Tensor, str]:
        """Figures of this member's share, and what went wrong."""
        items = [self.items[i] for i in share]
        tables = [torch.zeros(0, len(FIGURES))]
        try:
            for group in reversed(micro_batches(items, self.budget, objective)):
                batch = [items[i] for i in group]
                loss, table = self._losses(batch, objective)
                if not bool(torch.isfinite(loss).all()):
                    bad = next(i for i, value in zip(batch, loss.tolist(), strict=True) if not math.isfinite(value))
                    return table, f"the loss of {named(bad)} is not a number"
                (loss.sum() / count).backward()
                tables.append(table)
        except (MemoryError, RuntimeError) as problem:
            if not out_of_memory(problem):
                raise
            return tables[0], _NO_MEMORY
        return torch.cat(tables), ""

    def _halve(self, indices: Sequence[int], objective: str) -> None:
        items = [self.items[i] for i in indices]
        longest = max(padded_tokens([item.lengths(objective)]) for item in items)
        if self.budget <= longest:
            raise OutOfMemoryError(
                f"one pair of {longest} tokens does not fit into the memory of this machine",
                "set alignment.gradient_checkpointing = true, or use a smaller model or 4-bit weights",
            )
        gc.collect()
        if self.vlm.device.type == "cuda":
            torch.cuda.empty_cache()
        self.budget = max(longest, self.budget // 2)
        self.progress.warn(f"memory ran out; going on with {self.budget} tokens at a time (the result is the same)")

    def _losses(self, batch: Sequence[Item], objective: str) -> tuple[Tensor, Tensor]:
        """Per-item losses (batch,), and their figures."""
        settings = self.settings
        policy = pair_logps(self.vlm, self.store, batch, objective)
        device = policy.chosen.device
        reference = as_logps([self.reference[i.pair.pair_id] for i in batch], device)
        r = rewards(policy, reference, settings.beta)
        visual = torch.tensor([float(bool(i.pair.retrieved)) for i in batch], device=device)
        loss = OBJECTIVES[objective](r, visual)
        nll_weight = 1.0 if objective == "sft" else settings.nll_weight
        if nll_weight:
            lengths = torch.tensor([float(len(i.chosen)) for i in batch], device=device)
            loss = loss - nll_weight * policy.chosen / lengths
        note = torch.tensor([float(i.pair.kind == "note") for i in batch], device=device)
        return loss, figures_of(loss, r, policy, reference, visual, note, objective)


def by_length(items: Sequence[Item], indices: Sequence[int], objective: str) -> list[int]:
    """Longest first, so that shares that are dealt round are of about equal work."""
    return sorted(indices, key=lambda i: (items[i].lengths(objective), i), reverse=True)


def out_of_memory(problem: BaseException) -> bool:
    """Did an allocation fail? torch says so by a class of its own on a GPU and by words on a CPU."""
    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(problem, RuntimeError) and "can't allocate memory" in str(problem)


def named(item: Item) -> str:
    """A pair as a person can find it again."""
    return f"pair {item.pair.pair_id} (photo {item.pair.photo[:12]})"


def diverged(message: str) -> RealignError:
    """Training went out of bounds."""
    return RealignError(
        f"training diverged: {message}",
        "lower alignment.learning_rate, or look at that pair; the checkpoints before this step are intact",
    )
