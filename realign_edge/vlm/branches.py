"""Several continuations behind one shared prefix, in one forward pass, exact to rounding.

A sequence is `[prefix | branch | branch | ...]`. Every branch sees the prefix and itself, and its
positions restart after the prefix, so each gets the hidden states it would get alone; the photo and the
prompt are paid for once. The idea is that of li-plus/flash-preference and of tree attention. The
float32 difference to separate sequences is that of summation order (tests/parity/vlm).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from realign_edge.vlm.attention import additive, understands_packed
from realign_edge.vlm.head import head_logps
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Prefix, Sight, deep_inputs, together


@dataclass(frozen=True)
class Branch:
    """A continuation: ids (n,) int64; tokens from `answer_start` on are scored, those before are given."""

    ids: Tensor
    answer_start: int = 0


@dataclass(frozen=True)
class Packed:
    """A batch of packed sequences, right-padded to length L; T is the number of scored tokens in it.

    ids: (batch, L); positions: (axes, batch, L); mask: (batch, 1, L - P, L) True = may attend, for what comes after
    the first P tokens, which are a causal prefix in every row (vlm/attention.py; P = 0 where a prefix is not causal),
    None where every row is one plain sequence;
    predictor: (T,) index into the flattened (batch * L) hidden states that predicts each scored token;
    target: (T,) its id; owner: (T,) the number of its branch, counted through the batch; branches: how many
    there are; density: share of the batch that is not padding.
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor | None
    predictor: Tensor
    target: Tensor
    owner: Tensor
    branches: int
    density: float


def pack(prefixes: Sequence[Prefix], branches: Sequence[Sequence[Branch]], pad: int = 0) -> Packed:
    """Lay out sequences; branches[i]: the continuations of prefix i."""
    lengths = [len(p) + sum(len(b.ids) for b in bs) for p, bs in zip(prefixes, branches, strict=True)]
    batch, longest = len(prefixes), max(lengths)
    ids = torch.full((batch, longest), pad, dtype=torch.int64)
    positions = torch.zeros(len(prefixes[0].positions), batch, longest, dtype=torch.int64)
    part = torch.full((batch, longest), -1, dtype=torch.int64)
    blocks = torch.zeros_like(part)
    predictor: list[Tensor] = []
    target: list[Tensor] = []
    owner: list[Tensor] = []
    number = 0
    for row, (prefix, continuations) in enumerate(zip(prefixes, branches, strict=True)):
        start = len(prefix)
        ids[row, :start], positions[:, row, :start], part[row, :start] = prefix.ids, prefix.positions, 0
        blocks[row, :start] = prefix.blocks
        for index, branch in enumerate(continuations, 1):
            n = len(branch.ids)
            here = slice(start, start + n)
            ids[row, here], part[row, here] = branch.ids, index
            positions[:, row, here] = prefix.continued(n)
            before = torch.arange(start - 1, start + n - 1)
            before[:1] = len(prefix) - 1
            predictor.append(row * longest + before[branch.answer_start :])
            target.append(branch.ids[branch.answer_start :])
            owner.append(torch.full((n - branch.answer_start,), number))
            number += 1
            start += n
    density = sum(lengths) / ids.numel()
    scored = (torch.cat(predictor), torch.cat(target), torch.cat(owner))
    mask = _mask_for(prefixes, branches, part, blocks)
    return Packed(ids, positions, mask, *scored, number, density)


def _mask_for(
    prefixes: Sequence[Prefix], branches: Sequence[Sequence[Branch]], part: Tensor, blocks: Tensor
) -> Tensor | None:
    if bool(blocks.any()):
        return _mask(part, 0) | together(blocks, blocks).unsqueeze(1)
    plain = all(len(continuations) == 1 for continuations in branches)
    return None if plain else _mask(part, min(map(len, prefixes)))


def _mask(part: Tensor, start: int) -> Tensor:
    """Who may attend to whom, for the tokens from `start` on.

    part: (batch, L), 0 = prefix, k = branch k, -1 = padding (sees only itself).
    """
    length, own = part.shape[1], part[:, start:]
    same = own.unsqueeze(2) == part.unsqueeze(1)
    to_prefix = (part == 0).unsqueeze(1) & (own >= 0).unsqueeze(2)
    causal = torch.ones(length, length, dtype=torch.bool).tril()[start:]
    padding = (own < 0).unsqueeze(2)
    alone = torch.eye(length, dtype=torch.bool)[start:]
    return (((same | to_prefix) & causal & ~padding) | (padding & alone)).unsqueeze(1)


def _as_attended(vlm: Vlm, mask: Tensor) -> Tensor:
    """The mask with the rows of the plain prefix as well, for a decoder that has its attention from elsewhere."""
    missing = mask.shape[3] - mask.shape[2]
    if not missing or understands_packed(vlm.language_model):
        return mask
    above = torch.ones(missing, mask.shape[3], dtype=torch.bool).tril().expand(len(mask), 1, -1, -1)
    return torch.cat([above, mask], dim=2)


def scored_states(vlm: Vlm, packed: Packed, sights: Sequence[Sight]) -> Tensor:
    """The hidden state that predicts each scored token, (T, hidden); sights: one per row."""
    device = vlm.device
    embeddings = vlm.embed(packed.ids, sights)
    mask = None if packed.mask is None else additive(_as_attended(vlm, packed.mask).to(device), embeddings.dtype)
    deep = deep_inputs(packed.ids.to(device) == vlm.image_token_id, sights)
    hidden = vlm.language(embeddings, attention_mask=mask, position_ids=packed.positions, deep=deep)
    return hidden.flatten(0, 1)[packed.predictor.to(device)]


def token_logps(vlm: Vlm, packed: Packed, sights: Sequence[Sight]) -> Tensor:
    """Log-probability of every scored token, (T,) float32, under a head that does not learn.

    Logits exist at scored positions only, never over photo, prompt or padding.
    """
    states = scored_states(vlm, packed, sights)
    return head_logps(vlm.lm_head, states, packed.target.to(states.device), vlm.logit_cap)


def branch_logps(vlm: Vlm, packed: Packed, sights: Sequence[Sight]) -> Tensor:
    """Summed log-probability of each branch's scored tokens, (branches,) float32, in nats."""
    logps = token_logps(vlm, packed, sights)
    return torch.zeros(packed.branches, device=logps.device).index_add(0, packed.owner.to(logps.device), logps)


def question_branch(vlm: Vlm, question: str, answer: str) -> Branch:
    """A question with its answer as a branch behind `Vlm.photo_prefix`; only the answer is scored."""
    asked = torch.tensor(vlm.asked_ids(question), dtype=torch.int64)
    return Branch(torch.cat([asked, vlm.answer_ids(question, answer)]), len(asked))
