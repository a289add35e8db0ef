"""Many continuations of the same prompts, over a key/value cache: no token is run twice.

What is scored behind one prefix is a tree: candidates for a slot share the text before it, answers share
their question, questions share the photo. Each row keeps the tree of the tokens it has run. A token sees
the prefix, its ancestors and itself, at the position it would have alone, so it gets the hidden state that
it would get in a sequence of its own, exact to rounding (tests/parity). That is tree attention as in
SpecInfer (Miao et al. 2024). Where a tokenizer spells a longer text with other tokens, that is another
branch: nothing is ever taken out of the cache.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from realign_edge.vlm.attention import prepared
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.prompts import read_prompts
from realign_edge.vlm.sight import Prefix, Sight, by_length

# Tokens of one forward pass, padding and prefix included: enough to keep the matrix units busy, while
# activations and cache stay small.
TOKENS_AT_ONCE = 4096


class Continuation(NamedTuple):
    """ids: what follows the prefix; tokens from `start` on are scored, those before are given."""

    ids: tuple[int, ...]
    start: int = 0


class TokenTree:
    """For every row one photo, one prefix, and the tree of tokens run behind it; all prefixes are of one length.

    Node 0 is the prefix's last token; node n lies at cache place `base + n`, in every row.
    """

    @torch.no_grad()
    def __init__(self, vlm: Vlm, prefixes: Sequence[Prefix], sights: Sequence[Sight]) -> None:
        """One prefix and one photo a row."""
        rows = len(prefixes)
        self.vlm, self.base = vlm, len(prefixes[0]) - 1
        self._cache, self._hidden = read_prompts(vlm, prefixes, sights)
        self._axes = len(prefixes[0].positions)
        # The position of node 0 as what follows counts it, which with several axes is not that of its token.
        self._start = np.array([prefix.end - 1 for prefix in prefixes])
        self._children: list[dict[tuple[int, int], int]] = [{} for _ in range(rows)]
        self._depth = np.zeros((rows, 1), np.int64)
        self._sees = np.ones((rows, 1, 1), np.bool_)

    def __len__(self) -> int:
        return len(self._children)

    def logps(self, continuations: Sequence[Sequence[Continuation]]) -> list[list[float]]:
        """Summed log-probability in nats of the scored tokens of each row's continuations."""
        return [[float(logps.sum()) for logps in row] for row in self.token_logps(continuations)]

    @torch.no_grad()
    def token_logps(self, continuations: Sequence[Sequence[Continuation]]) -> list[list[NDArray[np.float64]]]:
        """Log-probability of each scored token, (len(ids) - start,) per continuation.

        A continuation's last token is predicted but not run; logits exist only where a token is scored.
        """
        self._grow([[c.ids[:-1] for c in row] for row in continuations])
        nodes = self._depth.shape[1]
        predictors = [
            number * nodes + node
            for number, row in enumerate(continuations)
            for c in row
            for node in self._path(number, c.ids[:-1])[c.start :]
        ]
        targets = [token for row in continuations for c in row for token in c.ids[c.start :]]
        found = iter(np.split(self._predicted(predictors, targets), np.cumsum(_lengths(continuations))))
        return [[next(found) for _ in row] for row in continuations]

    @torch.no_grad()
    def most_likely(self, paths: Mapping[int, Sequence[int]]) -> dict[int, int]:
        """The likeliest next token behind each path; paths: row to token ids behind the prefix."""
        self._grow([[paths[row]] if row in paths else [] for row in range(len(self))])
        nodes = [self._path(row, path)[-1] for row, path in paths.items()]
        tokens = self.vlm.logits(self._hidden[list(paths), nodes]).argmax(-1)
        return dict(zip(paths, tokens.tolist(), strict=True))

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only, in this order."""
        index = torch.tensor(rows, dtype=torch.int64, device=self.vlm.device)
        self._cache.batch_select_indices(index)
        self._hidden = self._hidden[index]
        self._children = [self._children[row] for row in rows]
        self._depth, self._sees = self._depth[list(rows)], self._sees[list(rows)]
        self._start = self._start[list(rows)]

    def _path(self, row: int, ids: Sequence[int]) -> list[int]:
        """Nodes of a path that was run, node 0 first: len(ids) + 1 of them."""
        children, nodes = self._children[row], [0]
        for token in ids:
            nodes.append(children[nodes[-1], token])
        return nodes

    def _predicted(self, predictors: Sequence[int], targets: Sequence[int]) -> NDArray[np.float64]:
        """log pi(targets[i] | predictors[i]), numbers into the flattened (rows * nodes) hidden states."""
        if not predictors:
            return np.zeros(0)
        distinct, which = np.unique(predictors, return_inverse=True)
        hidden = self._hidden.flatten(0, 1)[torch.from_numpy(distinct).to(self._hidden.device)]
        logits = self.vlm.logits(hidden).float()
        at, token = torch.from_numpy(which).to(logits.device), torch.tensor(targets, device=logits.device)
        logps = logits[at, token] - logits.logsumexp(dim=1)[at]
        return logps.cpu().double().numpy()

    def _grow(self, paths: Sequence[Sequence[Sequence[int]]]) -> None:
        """Run what is new in the paths, in one forward pass; paths[row]: token ids behind the prefix."""
        first = self._depth.shape[1]
        new = [self._added(row, ids, first) for row, ids in enumerate(paths)]
        width = max(map(len, new), default=0)
        if not width:
            return
        ids = np.zeros((len(self), width), np.int64)
        # Padding sees the prefix only and is seen by nothing.
        self._depth = np.pad(self._depth, ((0, 0), (0, width)))
        self._sees = np.pad(self._sees, ((0, 0), (0, width), (0, width)))
        for row, added in enumerate(new):
            depth, sees = self._depth[row], self._sees[row]
            for node, (parent, token) in enumerate(added, first):
                ids[row, node - first], depth[node] = token, depth[parent] + 1
                sees[node] = sees[parent]
                sees[node, node] = True
        self._run(ids, first)

    def _added(self, row: int, paths: Sequence[Sequence[int]], first: int) -> list[tuple[int, int]]:
        """Number the tokens of the paths that this row has not yet, from `first` on: (parent, token) each."""
        children, added = self._children[row], list[tuple[int, int]]()
        for path in paths:
            node = 0
            for token in path:
                known = children.get((node, token))
                if known is None:
                    known = children[node, token] = first + len(added)
                    added.append((node, token))
                node = known
        return added

    def _run(self, ids: NDArray[np.int64], first: int) -> None:
        """One forward pass over the nodes from `first` on; ids: (rows, width)."""
        device = self.vlm.device
        tree = np.pad(self._sees[:, first:], ((0, 0), (0, 0), (self.base, 0)), constant_values=True)
        tree[:, :, self.base] = True
        positions = torch.from_numpy(self._start[:, None] + self._depth[:, first:])
        hidden = self.vlm.language(
            self.vlm.embed(torch.from_numpy(ids)),
            attention_mask=prepared(
                self.vlm.language_model, torch.from_numpy(tree).unsqueeze(1).to(device), self.vlm.dtype
            ),
            position_ids=positions.expand(self._axes, -1, -1),
            cache=self._cache,
        )
        self._hidden = torch.cat([self._hidden, hidden], dim=1)


def continuation_logps(
    vlm: Vlm,
    prefixes: Sequence[Prefix],
    sights: Sequence[Sight],
    continuations: Sequence[Sequence[Continuation]],
) -> list[list[NDArray[np.float64]]]:
    """`TokenTree.token_logps` for any number of rows, in batches that hold little padding."""
    found: list[list[NDArray[np.float64]]] = [[] for _ in continuations]
    for group in by_length(prefixes):
        sizes = [len(prefixes[row]) + tree_size(continuations[row]) for row in group]
        for batch in ([group[i] for i in part] for part in token_batches(sizes)):
            tree = TokenTree(vlm, [prefixes[row] for row in batch], [sights[row] for row in batch])
            for row, logps in zip(batch, tree.token_logps([continuations[row] for row in batch]), strict=True):
                found[row] = logps
    return found


def tree_size(continuations: Sequence[Continuation]) -> int:
    """Tokens that a tree of these continuations runs behind its prefix."""
    paths = sorted(c.ids[:-1] for c in continuations)
    return sum(len(path) - shared(path, before) for before, path in zip([(), *paths], paths, strict=False))


def shared(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two sequences have in common at their start."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def token_batches(sizes: Sequence[int], at_once: int = TOKENS_AT_ONCE) -> list[list[int]]:
    """Split rows of these sizes in tokens: rows of like size together, `at_once` tokens with padding at most.

    A row that is larger alone gets a batch of its own.
    """
    batches: list[list[int]] = []
    for row in sorted(range(len(sizes)), key=lambda r: (sizes[r], r)):
        if batches and (len(batches[-1]) + 1) * sizes[row] <= at_once:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def _lengths(continuations: Sequence[Sequence[Continuation]]) -> list[int]:
    return [len(c.ids) - c.start for row in continuations for c in row]
