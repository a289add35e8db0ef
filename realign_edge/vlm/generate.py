"""Greedy answers with a key/value cache, many photos at once."""

from collections.abc import Sequence

import torch

from realign_edge.vlm.model import Vlm
from realign_edge.vlm.prompts import read_prompts
from realign_edge.vlm.sight import Prefix, Sight, by_length


def generate(
    vlm: Vlm, sights: Sequence[Sight], questions: Sequence[str], max_new_tokens: int = 96, batch_size: int = 32
) -> list[str]:
    """Answer `questions[i]` about photo i.

    Prompts of the same length form a batch, so nothing is padded and an answer does not depend on what it
    was batched with.
    """
    return [vlm.decode(ids) for ids in generate_ids(vlm, sights, questions, max_new_tokens, batch_size)]


@torch.no_grad()
def generate_ids(
    vlm: Vlm, sights: Sequence[Sight], questions: Sequence[str], max_new_tokens: int = 96, batch_size: int = 32
) -> list[list[int]]:
    """As `generate`, but token ids, without EOS."""
    prompts = [vlm.prefix(question, sight) for question, sight in zip(questions, sights, strict=True)]
    answers: list[list[int]] = [[] for _ in prompts]
    for rows in by_length(prompts):
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            tokens = _greedy(vlm, [prompts[i] for i in batch], [sights[i] for i in batch], max_new_tokens)
            for row, answer in zip(batch, tokens, strict=True):
                answers[row] = answer
    return answers


def _greedy(vlm: Vlm, prompts: Sequence[Prefix], sights: Sequence[Sight], max_new_tokens: int) -> list[list[int]]:
    """Most likely next token until EOS, for prompts of equal length."""
    answers: list[list[int]] = [[] for _ in prompts]
    alive = torch.arange(len(prompts))
    ends = torch.tensor([p.end for p in prompts])
    axes = len(prompts[0].positions)
    cache, hidden = read_prompts(vlm, prompts, sights)
    for count in range(max_new_tokens):
        tokens = vlm.logits(hidden[:, -1]).argmax(-1).cpu()
        going = tokens != vlm.eos_token_id
        for row, token in zip(alive[going].tolist(), tokens[going].tolist(), strict=True):
            answers[row].append(token)
        if not bool(going.any()) or count + 1 == max_new_tokens:
            break
        if not bool(going.all()):
            alive = alive[going]
            cache.batch_select_indices(going.nonzero().squeeze(-1).to(vlm.device))
        positions = (ends[alive] + count).view(1, -1, 1).expand(axes, -1, -1)
        hidden = vlm.language(vlm.embed(tokens[going].unsqueeze(-1)), position_ids=positions, cache=cache)
    return answers
