"""Every objective against a derivation by hand in float64: value and gradient."""

import math

import pytest
import torch

from realign_edge.alignment.objectives import OBJECTIVES, Logps, rewards

BETA = 0.1
POLICY = (-20.0, -31.0, -24.0, -18.5)
REFERENCE = (-21.0, -28.0, -22.5, -19.0)


def nls(x: float) -> float:
    """-log sigmoid(x)."""
    return math.log1p(math.exp(-x))


def by_hand(name: str, policy: tuple[float, ...], visual: float) -> float:
    w, l, wl, ll = (BETA * (p - r) for p, r in zip(policy, REFERENCE, strict=True))
    terms = {
        "sft": 0.0,
        "dpo": nls(w - l),
        "dpo-anchored": nls(w - l) + nls(w),
        "rdpo": nls(w - l) + visual * nls(w - wl),
        "rdpo-anchored": nls(w - l) + visual * nls(w - wl) + nls(w),
        "rdpo-symmetric": nls(w - l) + visual * nls(w - wl) + nls(w) + visual * nls(ll - wl),
    }
    return terms[name]


def ours(name: str, policy: tuple[float, ...], visual: float) -> tuple[float, list[float]]:
    logps = [torch.tensor([p], dtype=torch.float64, requires_grad=True) for p in policy]
    reference = Logps(*(torch.tensor([r], dtype=torch.float64) for r in REFERENCE))
    loss = OBJECTIVES[name](rewards(Logps(*logps), reference, BETA), torch.tensor([visual], dtype=torch.float64)).sum()
    loss.backward()
    return loss.item(), [0.0 if p.grad is None else p.grad.item() for p in logps]


@pytest.mark.parametrize("visual", [1.0, 0.0])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_value_and_gradient(name: str, visual: float) -> None:
    value, gradient = ours(name, POLICY, visual)
    assert value == pytest.approx(by_hand(name, POLICY, visual), rel=1e-12)
    for i in range(4):
        shifted = [tuple(p + d * (j == i) for j, p in enumerate(POLICY)) for d in (1e-5, -1e-5)]
        expected = (by_hand(name, shifted[0], visual) - by_hand(name, shifted[1], visual)) / 2e-5
        # Central differences in float64: error of the order of 1e-10.
        assert gradient[i] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", [n for n in OBJECTIVES if n != "sft"])
def test_at_the_start_every_term_is_log_two(name: str) -> None:
    terms = {"dpo": 1, "dpo-anchored": 2, "rdpo": 2, "rdpo-anchored": 3, "rdpo-symmetric": 4}[name]
    assert ours(name, REFERENCE, 1.0)[0] == pytest.approx(terms * math.log(2), rel=1e-12)


@pytest.mark.parametrize("name", ["dpo", "rdpo", "rdpo-anchored", "rdpo-symmetric"])
def test_a_pair_without_a_retrieved_photo_has_no_visual_gradient(name: str) -> None:
    assert ours(name, POLICY, 0.0)[1][2:] == [0.0, 0.0]


def test_extreme_margins_stay_finite() -> None:
    value, gradient = ours("rdpo-anchored", (-1e5, 0.0, 0.0, 0.0), 1.0)
    assert math.isfinite(value)
    assert all(map(math.isfinite, gradient))
