"""From pairs to tensors: how pairs are packed into batches, and their log-probabilities.

An item is two sequences that share what they can: `[v, x | y_w | y_l]` and `[v_l, x | y_w (| y_l)]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from realign_edge.alignment.objectives import (
    NEEDS_REJECTED,
    NEEDS_REJECTED_RETRIEVED,
    NEEDS_RETRIEVED,
    Logps,
)
from realign_edge.errors import UsageError
from realign_edge.preferences.model import PreferencePair
from realign_edge.vlm.branches import Branch, branch_logps, pack
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Prefix

# A group is closed rather than let padding grow beyond this share of it.
_MOST_PADDING = 0.1


@dataclass(frozen=True)
class Item:
    """A tokenised pair: the prompt with the pair's own photo and, where there is one, with the retrieved photo.

    chosen: (W,), rejected: (L,) token ids, EOS included.
    """

    pair: PreferencePair
    prompt: Prefix
    other: Prefix | None
    chosen: Tensor
    rejected: Tensor

    @property
    def tokens(self) -> int:
        """Tokens of both packed sequences, as the objectives with a visual term need them."""
        return sum(self.lengths("rdpo"))

    def lengths(self, objective: str) -> tuple[int, int]:
        """Tokens of the first and of the second packed sequence under an objective; 0 = there is none."""
        first = len(self.prompt) + len(self.chosen) + (len(self.rejected) if objective in NEEDS_REJECTED else 0)
        if self.other is None or objective not in NEEDS_RETRIEVED:
            return first, 0
        both = objective in NEEDS_REJECTED_RETRIEVED
        return first, len(self.other) + len(self.chosen) + (len(self.rejected) if both else 0)


def tokenised(vlm: Vlm, store: FeatureStore, pairs: Sequence[PreferencePair]) -> list[Item]:
    """Tokenise pairs; a prompt is made once for all photos that stand alike in it.

    Raises:
        UsageError: a pair is longer than what the model reads; nothing is ever cut off.
    """
    known: dict[tuple[str, object], Prefix] = {}

    def prefix(question: str, photo: str) -> Prefix:
        (layout,) = store.layouts([photo])
        key = question, layout.key
        if key not in known:
            known[key] = vlm.prefix(question, layout)
        return known[key]

    items = []
    for p in pairs:
        answers = vlm.answer_ids(p.prompt, p.chosen), vlm.answer_ids(p.prompt, p.rejected)
        other = prefix(p.prompt, p.retrieved) if p.retrieved else None
        items.append(Item(p, prefix(p.prompt, p.photo), other, *answers))
        _check_length(items[-1], vlm)
    return items


def _check_length(item: Item, vlm: Vlm) -> None:
    prompt = max(len(item.prompt), len(item.other or ()))
    answer = max(len(item.chosen), len(item.rejected))
    if prompt + answer > vlm.context:
        raise UsageError(
            f"pair {item.pair.pair_id} (photo {item.pair.photo[:12]}) has {prompt} tokens of photo and question and "
            f"{answer} of the longer answer; {vlm.name} reads {vlm.context}",
            "shorten that note, or use a model with a longer context",
        )


def micro_batches(items: Sequence[Item], budget: int, objective: str = "rdpo") -> list[list[int]]:
    """Positions of items in groups of about equal length, each within `budget` tokens with its padding.

    Both sequences count, since both are in memory when the gradient is computed. A single item that is
    longer than the budget is a group of its own.
    """
    lengths = [item.lengths(objective) for item in items]
    groups: list[list[int]] = []
    for i in sorted(range(len(items)), key=lambda i: (lengths[i], i)):
        longer = [*groups[-1], i] if groups else [i]
        padded = padded_tokens([lengths[j] for j in longer])
        real = sum(sum(lengths[j]) for j in longer)
        if len(longer) > 1 and padded <= budget and padded - real <= _MOST_PADDING * padded:
            groups[-1] = longer
        else:
            groups.append([i])
    return groups


def padded_tokens(lengths: Sequence[tuple[int, int]]) -> int:
    """Tokens of a group with its padding; lengths: (first, second) of each item."""
    first, second = ([pair[k] for pair in lengths if pair[k]] for k in (0, 1))
    return max(first) * len(first) + (max(second) * len(second) if second else 0)


def pair_logps(vlm: Vlm, store: FeatureStore, items: Sequence[Item], objective: str) -> Logps:
    """Summed log-probabilities of the answers that `objective` needs, (batch,) each; 0 for the others."""
    own = [[Branch(i.chosen)] + ([Branch(i.rejected)] if objective in NEEDS_REJECTED else []) for i in items]
    sights = store.sights([i.pair.photo for i in items])
    first = branch_logps(vlm, pack([i.prompt for i in items], own), sights)
    chosen, rejected = _columns(first, len(items), 2 if objective in NEEDS_REJECTED else 1)
    zeros = torch.zeros_like(chosen)
    wanted = objective in NEEDS_RETRIEVED
    prompts = {n: i.other for n, i in enumerate(items) if i.other is not None and wanted}
    if not prompts:
        return Logps(chosen, rejected, zeros, zeros)
    both = objective in NEEDS_REJECTED_RETRIEVED
    there = [items[n] for n in prompts]
    other = [[Branch(i.chosen)] + ([Branch(i.rejected)] if both else []) for i in there]
    seen = store.sights([i.pair.retrieved for i in there])
    second = branch_logps(vlm, pack(list(prompts.values()), other), seen)
    columns = _columns(second, len(there), 2 if both else 1)
    rows = torch.tensor(list(prompts), device=zeros.device)
    return Logps(chosen, rejected, *(zeros.index_add(0, rows, c) for c in columns))


def _columns(logps: Tensor, rows: int, width: int) -> tuple[Tensor, Tensor]:
    table = logps.view(rows, width)
    return table[:, 0], table[:, 1] if width == 2 else torch.zeros_like(table[:, 0])
