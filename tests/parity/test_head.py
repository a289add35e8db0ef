"""Log-probabilities behind a frozen head, against full logits in float64."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from realign_edge.vlm import head as module
from realign_edge.vlm.head import head_logps

ROWS, WIDTH, VOCABULARY = 13, 24, 50


@pytest.fixture(params=[VOCABULARY, 4 * VOCABULARY, 1000 * VOCABULARY])
def _chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row at a time, four (with one left over), and all together."""
    monkeypatch.setattr(module, "_LOGITS_AT_ONCE", request.param)


def case(bias: bool, dtype: torch.dtype) -> tuple[nn.Linear, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    head = nn.Linear(WIDTH, VOCABULARY, bias=bias).requires_grad_(False)
    for parameter in head.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator))
    hidden = torch.randn(ROWS, WIDTH, generator=generator)
    target = torch.randint(VOCABULARY, (ROWS,), generator=generator)
    return head.to(dtype), hidden.to(dtype), target


def compared(bias: bool, dtype: torch.dtype, cap: float | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ours without and with a gradient, and what float64 says: values, and gradients by the hidden states."""
    head, hidden, target = case(bias, dtype)
    slope = torch.linspace(-1, 2, ROWS)
    plain = head_logps(head, hidden, target, cap)
    ours = hidden.clone().requires_grad_()
    values = head_logps(head, ours, target, cap)
    (values * slope).sum().backward()
    assert torch.equal(plain, values)
    exact = hidden.double().requires_grad_()
    logits = exact @ head.weight.double().t() + (head.bias.double() if bias else 0.0)
    if cap is not None:
        logits = cap * torch.tanh(logits / cap)
    expected = logits.log_softmax(-1).gather(1, target[:, None])[:, 0]
    (expected * slope.double()).sum().backward()
    assert ours.grad is not None
    assert exact.grad is not None
    assert values.dtype == torch.float32
    assert ours.grad.dtype == dtype
    return values.double(), expected.detach(), ours.grad.double(), exact.grad


@pytest.mark.usefixtures("_chunks")
@pytest.mark.parametrize("cap", [None, 5.0])
@pytest.mark.parametrize("bias", [False, True])
def test_float32_is_float64_to_rounding(bias: bool, cap: float | None) -> None:
    values, expected, gradient, exact = compared(bias, torch.float32, cap)
    # Logits of size 20 in float32 (2e-6), a sum of 50 shares.
    torch.testing.assert_close(values, expected, atol=2e-5, rtol=0)
    torch.testing.assert_close(gradient, exact, atol=2e-5, rtol=0)


@pytest.mark.usefixtures("_chunks")
@pytest.mark.parametrize("bias", [False, True])
def test_bfloat16_rounds_the_logits_and_nothing_more(bias: bool) -> None:
    values, expected, gradient, exact = compared(bias, torch.bfloat16)
    # bfloat16 has 8 bits: a logit of size up to 16 is off by up to 2^-4 / 2, and both terms of log p are.
    torch.testing.assert_close(values, expected, atol=0.08, rtol=0)
    # Shares and slopes are off by as much in proportion, and are rounded once more: 2^-8 of a value of 8.
    torch.testing.assert_close(gradient, exact, atol=0.1, rtol=0)


def test_chunks_do_not_change_a_bit_of_what_a_row_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are independent; only the matrix product's blocking may differ, hence rounding."""
    head, hidden, target = case(True, torch.float32)
    whole = head_logps(head, hidden, target)
    monkeypatch.setattr(module, "_LOGITS_AT_ONCE", 3 * VOCABULARY)
    assert module.rows_at_once(VOCABULARY) == 3
    torch.testing.assert_close(head_logps(head, hidden, target), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("learning", ["weight", "bias"])
def test_a_head_that_learns_is_refused(learning: str) -> None:
    head, hidden, target = case(True, torch.float32)
    parameter: Any = getattr(head, learning)
    parameter.requires_grad_(True)
    with pytest.raises(RuntimeError, match="head learns"):
        head_logps(head, hidden.requires_grad_(), target)
