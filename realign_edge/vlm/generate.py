"""Greedy answers with a key/value cache, many photos at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from realign_edge.vlm.model import Vlm


@torch.no_grad()
def generate(
    vlm: Vlm, image_features: Tensor, questions: Sequence[str], max_new_tokens: int = 96, batch_size: int = 32
) -> list[str]:
    """Answer `questions[i]` about photo i.

    image_features: (n, tokens, hidden), one per question. Prompts of the same length form a batch,
    so nothing is padded and an answer does not depend on what it was batched with.
    """
    prompts = [vlm.prompt_ids(question) for question in questions]
    by_length: dict[int, list[int]] = {}
    for index, prompt in enumerate(prompts):
        by_length.setdefault(len(prompt), []).append(index)
    answers = [""] * len(prompts)
    for rows in by_length.values():
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            ids = torch.stack([prompts[i] for i in batch])
            tokens = _greedy(vlm, vlm.embed(ids, image_features[batch]), max_new_tokens)
            for row, answer in zip(batch, tokens, strict=True):
                answers[row] = vlm.decode(answer)
    return answers


def _greedy(vlm: Vlm, embeddings: Tensor, max_new_tokens: int) -> list[list[int]]:
    """Most likely next token until EOS, for prompts of equal length; embeddings: (batch, P, hidden)."""
    from transformers import DynamicCache

    cache = DynamicCache(config=vlm.model.config.get_text_config())
    answers: list[list[int]] = [[] for _ in range(len(embeddings))]
    alive = torch.arange(len(embeddings))
    for _ in range(max_new_tokens):
        hidden = vlm.language(embeddings, cache=cache)[:, -1]
        tokens = vlm.lm_head(hidden).argmax(-1).cpu()
        going = tokens != vlm.eos_token_id
        for row, token in zip(alive[going].tolist(), tokens[going].tolist(), strict=True):
            answers[row].append(token)
        if not bool(going.any()):
            break
        if not bool(going.all()):
            alive = alive[going]
            cache.batch_select_indices(going.nonzero().squeeze(-1).to(vlm.device))
        embeddings = vlm.embed(tokens[going].unsqueeze(-1))
    return answers
