"""Log-probabilities of given tokens behind a frozen output head, without keeping logits.

The head never learns here, so its gradient is known as soon as the logits are: for a token t behind
hidden state h with logits z = W h + b,

    log p(t) = z_t - logsumexp(z)        d log p(t) / d h = W_t - softmax(z) W.

Where a model caps its logits, z is c tanh((W h + b) / c), and every row of W counts 1 - (z / c)^2 times in the
gradient. Both are computed a few rows at a time; what stays for the backward pass is one (hidden,) row a token
instead of several (vocabulary,) ones.
"""

from typing import Any

import torch
from torch import Tensor, nn

# Logits alive at one moment; 16 Mi float32 values are 64 MiB.
_LOGITS_AT_ONCE = 16 * 2**20


def rows_at_once(vocabulary: int) -> int:
    """Tokens whose logits are computed together."""
    return max(1, _LOGITS_AT_ONCE // vocabulary)


def capped(logits: Tensor, cap: float | None) -> Tensor:
    """Logits between -cap and cap, or as they are."""
    return logits if cap is None else torch.tanh(logits / cap) * cap


def head_logps(head: nn.Module, hidden: Tensor, target: Tensor, cap: float | None = None) -> Tensor:
    """log p(target) in nats, (n,) float32; hidden: (n, width), target: (n,) int64; `head` is a frozen linear layer."""
    if not torch.is_grad_enabled() or not hidden.requires_grad:
        return torch.cat(
            [
                _picked(capped(head(some).float(), cap), ids)
                for some, ids in zip(*(t.split(rows_at_once(_width(head))) for t in (hidden, target)), strict=True)
            ]
        )
    weight = head.weight
    if any(parameter.requires_grad for parameter in head.parameters()):
        raise RuntimeError("the output head learns, so its gradient cannot be left out")
    return _HeadLogps.apply(hidden, weight, getattr(head, "bias", None), target, cap)  # type: ignore[no-any-return, no-untyped-call]


def _width(head: nn.Module) -> int:
    return int(head.weight.shape[0])  # type: ignore[index]


def _picked(logits: Tensor, target: Tensor) -> Tensor:
    return logits.gather(1, target.unsqueeze(1)).squeeze(1) - logits.logsumexp(dim=1)


class _HeadLogps(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, cap: float | None
    ) -> Tensor:
        logps, slopes = [], []
        step = rows_at_once(weight.shape[0])
        for some, ids in zip(hidden.split(step), target.split(step), strict=True):
            logits = capped(torch.nn.functional.linear(some, weight, bias).float(), cap)
            picked = logits.gather(1, ids.unsqueeze(1)).squeeze(1)
            total = logits.logsumexp(dim=1)
            chosen, steep = weight[ids], None
            if cap is not None:
                steep = 1 - (logits / cap).square_()
                chosen = chosen * steep.gather(1, ids.unsqueeze(1)).to(weight.dtype)
            shares = logits.sub_(total.unsqueeze(1)).exp_()
            shares = (shares if steep is None else shares.mul_(steep)).to(weight.dtype)
            slopes.append(torch.addmm(chosen, shares, weight, alpha=-1))
            logps.append(picked - total)
        ctx.save_for_backward(torch.cat(slopes))
        return torch.cat(logps)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradient.unsqueeze(1).to(slopes.dtype), None, None, None, None
