"""LoRA layers for training: peft's own weights, fewer passes over memory, fewer activations kept.

peft computes W x, then B A x, then scales and adds: three passes over the output and, in the backward
pass, one more gradient buffer a layer. Here the low-rank part is added in place by the matrix product
itself. A gated MLP keeps its input and the two projections; the activation and the product are computed
again in the backward pass, which is two element-wise passes and saves two of four wide buffers. The
hand-written gradients follow from

    y = W x + b + s B (A x)       dA = s (Bᵀ g) xᵀ      dB = s g (A x)ᵀ      dx = Wᵀ g + s Aᵀ (Bᵀ g)

(LoRA, Hu et al., arXiv 2106.09685; the idea of fusing it is Unsloth's). tests/parity compares them with
autograd through peft's layers.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, silu

from realign_edge.vlm.model import Vlm

_ADAPTER = "default"
_GATED = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class _Projection:
    """A linear layer: `base` is frozen and may be in 4 bit; lora_a (r, in), lora_b (out, r) or None."""

    base: nn.Module
    lora_a: Tensor | None = None
    lora_b: Tensor | None = None
    scaling: float = 0.0

    def weight(self, dtype: torch.dtype) -> Tensor:
        """(out, in) in the activations' dtype; dequantised anew each time, since that copy is what 4 bit saves."""
        weight: Any = self.base.weight
        if getattr(weight, "quant_state", None) is None:
            return weight  # type: ignore[no-any-return]
        from bitsandbytes.functional import dequantize_4bit

        return dequantize_4bit(weight.data, weight.quant_state).to(dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """x: (n, in). The output (n, out) and A x (n, r), which the backward pass needs."""
        y = linear(x, self.weight(x.dtype), getattr(self.base, "bias", None))
        if self.lora_a is None or self.lora_b is None:
            return y, None
        low = x @ self.lora_a.t().to(x.dtype)
        return y.addmm_(low, self.lora_b.t().to(x.dtype), alpha=self.scaling), low

    def backward(
        self, gradient: Tensor, x: Tensor | None, low: Tensor | None, into: Tensor | None, wanted: bool = True
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """gradient: (n, out). Gradients of x (added to `into` where given; None if not wanted), A and B."""
        grad_a = grad_b = grad_low = None
        if self.lora_a is not None and self.lora_b is not None and x is not None and low is not None:
            grad_low = (gradient @ self.lora_b.to(gradient.dtype)).mul_(self.scaling)
            grad_a = (grad_low.t() @ x).to(self.lora_a.dtype)
            grad_b = (gradient.t() @ low).mul_(self.scaling).to(self.lora_b.dtype)
        if not wanted:
            return None, grad_a, grad_b
        weight = self.weight(gradient.dtype)
        grad_x = gradient @ weight if into is None else into.addmm_(gradient, weight)
        if grad_low is not None and self.lora_a is not None:
            grad_x.addmm_(grad_low, self.lora_a.to(gradient.dtype))
        return grad_x, grad_a, grad_b


class _LoraLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, lora_a: Tensor, lora_b: Tensor, base: nn.Module, scaling: float) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        y, low = _Projection(base, lora_a, lora_b, scaling).forward(flat)
        ctx.save_for_backward(flat, low, lora_a, lora_b)
        ctx.base, ctx.scaling, ctx.shape = base, scaling, x.shape
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, low, lora_a, lora_b = ctx.saved_tensors
        flat = gradient.reshape(-1, gradient.shape[-1])
        projection = _Projection(ctx.base, lora_a, lora_b, ctx.scaling)
        grad_x, grad_a, grad_b = projection.backward(flat, x, low, None, ctx.needs_input_grad[0])
        return None if grad_x is None else grad_x.view(ctx.shape), grad_a, grad_b, None, None


class _GatedMlp(torch.autograd.Function):
    """down(silu(gate(x)) * up(x)); keeps x (only if an adapter needs it), gate(x) and up(x)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, parts: Sequence[tuple[nn.Module, float]], *lora: Tensor | None) -> Tensor:
        gate, up, down = _projections(parts, lora)
        flat = x.reshape(-1, x.shape[-1])
        gated, low_gate = gate.forward(flat)
        upped, low_up = up.forward(flat)
        y, low_down = down.forward(silu(gated).mul_(upped))
        kept = flat if low_gate is not None or low_up is not None else None
        ctx.save_for_backward(kept, gated, upped, low_gate, low_up, low_down, *lora)
        ctx.parts, ctx.shape = parts, x.shape
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        x, gated, upped, low_gate, low_up, low_down, *lora = ctx.saved_tensors
        gate, up, down = _projections(ctx.parts, lora)
        flat = gradient.reshape(-1, gradient.shape[-1])
        act = silu(gated)
        product = act * upped if down.lora_a is not None else None
        grad, down_a, down_b = down.backward(flat, product, low_down, None)
        assert grad is not None
        del product
        grad_up = act.mul_(grad)
        grad_gate = torch.ops.aten.silu_backward(grad.mul_(upped), gated)
        wanted = ctx.needs_input_grad[0]
        grad_x, gate_a, gate_b = gate.backward(grad_gate, x, low_gate, None, wanted)
        grad_x, up_a, up_b = up.backward(grad_up, x, low_up, grad_x, wanted)
        shaped = None if grad_x is None else grad_x.view(ctx.shape)
        return shaped, None, gate_a, gate_b, up_a, up_b, down_a, down_b


def _projections(parts: Sequence[tuple[nn.Module, float]], lora: Sequence[Tensor | None]) -> list[_Projection]:
    return [_Projection(base, lora[2 * i], lora[2 * i + 1], scaling) for i, (base, scaling) in enumerate(parts)]


@contextmanager
def fused_lora(vlm: Vlm) -> Iterator[int]:
    """Train through the fused layers while the context lasts; yields how many modules were replaced.

    Layers with dropout, or of a kind that is not known here, keep peft's own forward pass: slower, not wrong.
    """
    patched: list[nn.Module] = []
    inside: set[nn.Module] = set()
    for module in vlm.language_model.modules():
        if module in inside:
            continue
        if _is_gated_mlp(module):
            module.forward = partial(_mlp_forward, module)
            inside.update(module.modules())
        elif _is_plain_lora(module):
            module.forward = partial(_linear_forward, module)
        else:
            continue
        patched.append(module)
    try:
        yield len(patched)
    finally:
        for module in patched:
            del module.__dict__["forward"]


def _is_plain_lora(module: nn.Module) -> bool:
    """A peft LoRA layer around a linear one, without dropout and without a variant such as DoRA."""
    layer: Any = module
    weights = getattr(module, "lora_A", None)
    if not weights or _ADAPTER not in weights or _ADAPTER in getattr(layer, "lora_variant", {}):
        return False
    if not isinstance(layer.lora_dropout[_ADAPTER], nn.Identity) or layer.lora_bias.get(_ADAPTER, False):
        return False
    return isinstance(layer.get_base_layer(), nn.Linear)


def _is_gated_mlp(module: nn.Module) -> bool:
    parts = [getattr(module, name, None) for name in _GATED]
    if any(p is None for p in parts) or "silu" not in type(getattr(module, "act_fn", None)).__name__.lower():
        return False
    return all(isinstance(p, nn.Linear) or (isinstance(p, nn.Module) and _is_plain_lora(p)) for p in parts)


def _parts_of(layer: Any) -> tuple[nn.Module, float, Tensor | None, Tensor | None]:
    """Base layer, scaling, A and B."""
    if not _is_plain_lora(layer):
        return layer, 0.0, None, None
    if layer.disable_adapters:
        return layer.get_base_layer(), 0.0, None, None
    return (
        layer.get_base_layer(),
        float(layer.scaling[_ADAPTER]),
        layer.lora_A[_ADAPTER].weight,
        layer.lora_B[_ADAPTER].weight,
    )


def _linear_forward(layer: nn.Module, x: Tensor) -> Tensor:
    base, scaling, lora_a, lora_b = _parts_of(layer)
    if lora_a is None:
        return base(x)  # type: ignore[no-any-return]
    return _LoraLinear.apply(x, lora_a, lora_b, base, scaling)  # type: ignore[no-any-return, no-untyped-call]


def _mlp_forward(mlp: nn.Module, x: Tensor) -> Tensor:
    found = [_parts_of(getattr(mlp, name)) for name in _GATED]
    weights = [w for _, _, a, b in found for w in (a, b)]
    return _GatedMlp.apply(x, [(base, scaling) for base, scaling, _, _ in found], *weights)  # type: ignore[no-any-return, no-untyped-call]
