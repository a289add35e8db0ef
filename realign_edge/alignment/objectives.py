"""The objectives, as pure functions of summed log-probabilities.

Notation of RE-ALIGN (Xing et al., arXiv 2502.13146): y_w chosen, y_l rejected, v the photo, v_l the
retrieved photo, pi the policy, pi_0 the reference, and the implicit reward of an answer

    r(y | v) = beta * [log pi(y|x,v) - log pi_0(y|x,v)].

Every term is -log sigmoid of a difference of rewards. A pair without a retrieved photo has no visual
term: its `visual` mask is 0.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import logsigmoid


class Logps(NamedTuple):
    """Summed log-probabilities of answers in nats, each (batch,); the last two are 0 where there is no v_l."""

    chosen: Tensor
    rejected: Tensor
    chosen_retrieved: Tensor
    rejected_retrieved: Tensor


class Rewards(NamedTuple):
    """Implicit rewards r(y_w|v), r(y_l|v), r(y_w|v_l), r(y_l|v_l), each (batch,)."""

    chosen: Tensor
    rejected: Tensor
    chosen_retrieved: Tensor
    rejected_retrieved: Tensor


def rewards(policy: Logps, reference: Logps, beta: float) -> Rewards:
    """beta * (log pi - log pi_0), answer by answer."""
    return Rewards(*(beta * (p - r) for p, r in zip(policy, reference, strict=True)))


def text_term(r: Rewards) -> Tensor:
    """-log sigmoid(r(y_w|v) - r(y_l|v)): DPO, Rafailov et al., arXiv 2305.18290, eq. 7."""
    return -logsigmoid(r.chosen - r.rejected)


def visual_term(r: Rewards) -> Tensor:
    """-log sigmoid(r(y_w|v) - r(y_w|v_l)): the true photo over the retrieved one (vDPO in RE-ALIGN)."""
    return -logsigmoid(r.chosen - r.chosen_retrieved)


def anchor_term(r: Rewards) -> Tensor:
    """-log sigmoid(r(y_w|v)): the chosen answer must not become less likely (mDPO, arXiv 2406.11839, eq. 6)."""
    return -logsigmoid(r.chosen)


def symmetric_term(r: Rewards) -> Tensor:
    """-log sigmoid(r(y_l|v_l) - r(y_w|v_l)): under v_l its own completion is the better answer (SymMPO-like)."""
    return -logsigmoid(r.rejected_retrieved - r.chosen_retrieved)


Objective = Callable[[Rewards, Tensor], Tensor]


def sft(r: Rewards, visual: Tensor) -> Tensor:
    """No preference at all; the NLL term, which the trainer adds with weight 1, does the work."""
    return 0.0 * r.chosen * visual


def dpo(r: Rewards, visual: Tensor) -> Tensor:  # noqa: ARG001 - one signature for all
    """The text term."""
    return text_term(r)


def dpo_anchored(r: Rewards, visual: Tensor) -> Tensor:  # noqa: ARG001 - one signature for all
    """Text and anchor."""
    return text_term(r) + anchor_term(r)


def rdpo(r: Rewards, visual: Tensor) -> Tensor:
    """Text and visual: RE-ALIGN's objective."""
    return text_term(r) + visual * visual_term(r)


def rdpo_anchored(r: Rewards, visual: Tensor) -> Tensor:
    """RE-ALIGN's objective and the anchor."""
    return rdpo(r, visual) + anchor_term(r)


def rdpo_symmetric(r: Rewards, visual: Tensor) -> Tensor:
    """RE-ALIGN's objective, the anchor, and the preference turned round under v_l."""
    return rdpo_anchored(r, visual) + visual * symmetric_term(r)


OBJECTIVES: dict[str, Objective] = {
    "sft": sft,
    "dpo": dpo,
    "dpo-anchored": dpo_anchored,
    "rdpo": rdpo,
    "rdpo-anchored": rdpo_anchored,
    "rdpo-symmetric": rdpo_symmetric,
}
# Which log-probabilities an objective needs.
NEEDS_REJECTED = frozenset(OBJECTIVES) - {"sft"}
NEEDS_RETRIEVED = frozenset(("rdpo", "rdpo-anchored", "rdpo-symmetric"))
NEEDS_REJECTED_RETRIEVED = frozenset(("rdpo-symmetric",))
