"""How both steps of the recipe descend: Muon for hidden matrices, AdamW for the rest, a warm-up and a cosine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Newton-Schulz coefficients of Jordan et al. 2024 (Muon): five steps bring every singular value near 1.
_A, _B, _C, _STEPS = 3.4445, -4.775, 2.0315, 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """Optimisation of one round of the recipe: `steps` batches of `batch` photos, cosine from `rate`."""

    steps: int
    batch: int
    rate: float
    warmup: int = 50
    weight_decay: float = 0.02

    def rate_at(self, step: int) -> float:
        """Learning rate at a step: linear warm-up, then cosine to zero."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * 0.5 * (1 + float(np.cos(np.pi * share)))


def optimizers_for(modules: Sequence[nn.Module], schedule: Schedule) -> list[torch.optim.Optimizer]:
    """Muon for the modules' hidden matrices, AdamW for embeddings, norms, biases and heads."""
    learning = {id(p): (name, p) for m in modules for name, p in m.named_parameters() if p.requires_grad}
    hidden = [p for name, p in learning.values() if p.ndim == 2 and ".layers." in f".{name}"]
    chosen = {id(p) for p in hidden}
    rest = [p for key, (_, p) in learning.items() if key not in chosen]
    return [
        Muon(hidden, schedule.rate, schedule.weight_decay),
        torch.optim.AdamW(rest, lr=schedule.rate, betas=(0.9, 0.98), weight_decay=schedule.weight_decay),
    ]


def descend(loss: Tensor, optimizers: Sequence[torch.optim.Optimizer], rate: float) -> None:
    """One step down the gradient of `loss`, clipped to norm 1."""
    parameters = [p for o in optimizers for group in o.param_groups for p in group["params"]]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(parameters, 1.0)
    for optimizer in optimizers:
        optimizer.step()


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, in float32; torch's own needs bfloat16 instructions to be fast.

    Jordan et al. 2024, "Muon: an optimizer for hidden layers"; the update's size is that of AdamW, after
    Liu et al. 2025, arXiv 2502.16982, so learning rate and weight decay are AdamW's.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update; `closure` is not supported."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                moving = state.setdefault("momentum", torch.zeros_like(parameter))
                moving.mul_(group["momentum"]).add_(parameter.grad)
                update = orthogonal(parameter.grad.add(moving, alpha=group["momentum"]))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update, alpha=-group["lr"] * 0.2 * max(parameter.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """About U V^T of a matrix (m, n) = U S V^T: its singular values become 0.7 to 1.2."""
    x: Tensor = matrix / (matrix.norm() + 1e-7)
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(_STEPS):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.T if tall else x
