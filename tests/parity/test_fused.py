"""The fused LoRA layers against autograd through peft's own."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from realign_edge.alignment.fused import fused_lora
from realign_edge.alignment.lora import eject, inject, trainable
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.vlm.load import load_vlm, quantized_modules

Targets = Literal["all-linear", "attention"]
# The same float32 products in another order: 1e-6 of the largest value, over a sum of up to 100 terms.
TOLERANCE = 2e-5


def adapted(vlm: Any, targets: Targets, dropout: float = 0.0) -> Any:
    """An adapter all of whose weights are far from zero."""
    wrapped = inject(vlm, AlignmentSettings(lora_rank=4, lora_targets=targets, lora_dropout=dropout))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return wrapped


def outcome(vlm: Any, *, fused: bool, to_input: bool) -> dict[str, Tensor]:
    """Hidden states, and the gradient of a fixed function of them by every LoRA weight and by the input."""
    generator = torch.Generator().manual_seed(1)
    width = vlm.model.config.get_text_config().hidden_size
    x = torch.randn(2, 7, width, generator=generator).requires_grad_(to_input)
    slope = torch.randn(2, 7, width, generator=generator)
    for parameter in trainable(vlm).values():
        parameter.grad = None
    with fused_lora(vlm) if fused else nullcontext():
        hidden = vlm.language(x)
    (hidden * slope).sum().backward()
    found = {name: p.grad for name, p in trainable(vlm).items() if p.grad is not None} | {"hidden": hidden.detach()}
    return found | ({"x": x.grad} if x.grad is not None else {})


def assert_equal(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert float(value.norm()) > 0, name
        assert float((ours[name] - value).abs().max() / value.abs().max()) < TOLERANCE, name


@pytest.fixture(scope="module")
def models(tiny_model: Path) -> tuple[Any, Any, Any]:
    """In float32, in NF4, and in float32 with the weights that NF4 stands for."""
    from bitsandbytes.functional import dequantize_4bit

    plain, small, same = (
        load_vlm(str(tiny_model)),
        load_vlm(str(tiny_model), quantization="nf4"),
        load_vlm(str(tiny_model)),
    )
    for name in quantized_modules(small.model):
        weight = small.model.get_submodule(name).weight
        same.model.get_submodule(name).weight.data.copy_(dequantize_4bit(weight.data, weight.quant_state))
    return plain, small, same


@pytest.fixture(params=["all-linear", "attention"])
def targets(request: pytest.FixtureRequest) -> Iterator[Targets]:
    yield request.param


@pytest.mark.parametrize("to_input", [True, False])
def test_outputs_and_gradients_are_peft_s(models: tuple[Any, Any, Any], targets: Targets, to_input: bool) -> None:
    vlm = models[0]
    wrapped = adapted(vlm, targets)
    ours, theirs = (outcome(vlm, fused=fused, to_input=to_input) for fused in (True, False))
    weights = 2 * (7 if targets == "all-linear" else 4) * 2
    eject(vlm, wrapped)
    assert len(theirs) == weights + 1 + to_input
    assert_equal(ours, theirs)


@pytest.mark.parametrize("to_input", [True, False])
def test_on_four_bits_they_are_peft_s_on_the_same_weights(
    models: tuple[Any, Any, Any], targets: Targets, to_input: bool
) -> None:
    """bitsandbytes' own CPU kernels round inside; the fused layers multiply by the dequantised weights exactly."""
    small, same = models[1:]
    wrapped = [adapted(small, targets), adapted(same, targets)]
    ours = outcome(small, fused=True, to_input=to_input)
    theirs = outcome(same, fused=False, to_input=to_input)
    for vlm, around in zip((small, same), wrapped, strict=True):
        eject(vlm, around)
    assert_equal(ours, theirs)


@pytest.mark.parametrize("parts", ["gate_proj", "up_proj", "down_proj"])
def test_a_gated_mlp_of_which_one_part_learns(models: tuple[Any, Any, Any], parts: str) -> None:
    """A family may adapt any of the three."""
    from peft import LoraConfig, get_peft_model

    vlm = models[0]
    wrapped = get_peft_model(vlm.model, LoraConfig(r=4, target_modules=rf".*language_model.*\.{parts}"))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    ours, theirs = (outcome(vlm, fused=fused, to_input=True) for fused in (True, False))
    eject(vlm, wrapped)
    assert len(theirs) == 2 * 2 + 2
    assert_equal(ours, theirs)


def test_layers_with_biases(models: tuple[Any, Any, Any], targets: Targets) -> None:
    vlm = models[0]
    generator = torch.Generator().manual_seed(2)
    linears = [m for m in vlm.language_model.modules() if isinstance(m, nn.Linear)]
    for linear in linears:
        linear.bias = nn.Parameter(torch.randn(linear.out_features, generator=generator), requires_grad=False)
    wrapped = adapted(vlm, targets)
    ours, theirs = (outcome(vlm, fused=fused, to_input=True) for fused in (True, False))
    eject(vlm, wrapped)
    for linear in linears:
        linear.register_parameter("bias", None)
    assert_equal(ours, theirs)


def patched(vlm: Any) -> list[str]:
    return [name for name, module in vlm.language_model.named_modules() if "forward" in module.__dict__]


def test_after_the_context_everything_is_as_before(models: tuple[Any, Any, Any], targets: Targets) -> None:
    vlm = models[0]
    x = torch.randn(1, 5, vlm.model.config.get_text_config().hidden_size, generator=torch.Generator().manual_seed(3))

    def logits() -> Tensor:
        with torch.no_grad():
            return vlm.lm_head(vlm.language(x))  # type: ignore[no-any-return]

    base = logits()
    wrapped = adapted(vlm, targets)
    before = logits()
    with fused_lora(vlm) as replaced:
        # A layer: q, k, v, o and the MLP as a whole.
        assert replaced == len(patched(vlm)) == 2 * 5
    assert patched(vlm) == []
    assert torch.equal(logits(), before)
    assert not torch.equal(before, base)
    with wrapped.disable_adapter():
        assert torch.equal(logits(), base)
    with pytest.raises(KeyError), fused_lora(vlm):
        raise KeyError
    assert patched(vlm) == []
    eject(vlm, wrapped)
    assert torch.equal(logits(), base)


def test_with_dropout_pefts_own_layers_stay(models: tuple[Any, Any, Any]) -> None:
    vlm = models[0]
    wrapped = adapted(vlm, "all-linear", dropout=0.5)
    with fused_lora(vlm) as replaced:
        assert replaced == 0
        assert patched(vlm) == []
    # With attention targets no adapter sits in the MLP, so that it can be fused still.
    eject(vlm, wrapped)
    wrapped = adapted(vlm, "attention", dropout=0.5)
    with fused_lora(vlm):
        assert patched(vlm) == ["layers.0.mlp", "layers.1.mlp"]
    eject(vlm, wrapped)
