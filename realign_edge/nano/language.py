"""Step 2: projector and language model learn to describe and to answer, on a biased floor.

The tower is frozen and its states are computed once. Each photo is one sequence: the image prefix, then
its note and its questions as branches that see the prefix and themselves alone, so the photo is paid
for once. Evidence lies in the tower's states; the habit (which defect goes with which part, and where)
is learnt here.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from realign_edge.glossary.questions import (
    describe_question,
    where_answer,
    where_question,
    yes_no_answer,
    yes_no_question,
)
from realign_edge.nano.data import Renders
from realign_edge.nano.tower import Schedule, normalised
from realign_edge.progress import Progress
from realign_edge.shopfloor.notes import write_note
from realign_edge.shopfloor.scene import Scene
from realign_edge.shopfloor.vocabulary import DEFECTS
from realign_edge.vlm.branches import Branch, pack, photo_prefix, question_branch, token_logps
from realign_edge.vlm.model import Vlm

Turn = tuple[str, str]


def turns_of(scene: Scene, rng: np.random.Generator, where: int = 1) -> list[Turn]:
    """One note, yes/no questions (as many true as false where defects allow) and up to `where` "where" questions."""
    turns = [(describe_question(), write_note(scene, rng))]
    present = [d.kind for d in scene.defects]
    absent = [d.term for d in DEFECTS if d.term not in present]
    yes = [str(k) for k in rng.permutation(present)[:2]] if present else []
    no = [str(k) for k in rng.permutation(absent)[: max(1, len(yes))]]
    turns += [(yes_no_question(k), yes_no_answer(True)) for k in yes]
    turns += [(yes_no_question(k), yes_no_answer(False)) for k in no]
    for i in rng.permutation(len(scene.defects))[:where]:
        shown = scene.defects[i]
        turns.append((where_question(shown.kind), where_answer(shown.place)))
    return turns


class Tokens:
    """Branches of turns behind the common photo prefix; questions are tokenised once."""

    def __init__(self, vlm: Vlm) -> None:
        self.vlm = vlm
        self.prefix = photo_prefix(vlm)
        self._known: dict[Turn, Branch] = {}

    def branch(self, turn: Turn) -> Branch:
        """One turn; short answers recur and are remembered."""
        if turn not in self._known:
            built = question_branch(self.vlm, self.prefix, *turn)
            if len(turn[1]) > 40:
                return built
            self._known[turn] = built
        return self._known[turn]


@torch.no_grad()
def tower_states(model: Any, renders: Renders, progress: Progress, batch: int = 128) -> Tensor:
    """The frozen tower's last hidden states, (n, 65, width) float16."""
    tower = model.model.vision_tower
    out = []
    progress.start("tower states", len(renders.images), "photos")
    for start in range(0, len(renders.images), batch):
        pixels = normalised(renders.images[start : start + batch])
        out.append(tower(pixels, output_hidden_states=True).hidden_states[-1].half())
        progress.advance(start + len(pixels))
    progress.finish()
    return torch.cat(out)


def train_language(
    vlm: Vlm,
    states: Tensor,
    scenes: Sequence[Scene],
    schedule: Schedule,
    seed: int,
    progress: Progress,
    where: int = 1,
) -> None:
    """Train projector, decoder and (tied) head in place; turns are drawn anew at every visit of a photo."""
    model = vlm.model
    projector, decoder = model.model.multi_modal_projector, model.model.language_model
    parameters = [*projector.parameters(), *decoder.parameters()]
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(parameters, lr=schedule.rate, betas=(0.9, 0.98), weight_decay=schedule.weight_decay)
    tokens = Tokens(vlm)
    rng = np.random.default_rng([seed, 2])
    torch.manual_seed(seed)
    progress.start("language model", schedule.steps, "steps")
    batches = _batches(tokens, scenes, schedule.batch, rng, where)
    for step in range(schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_at(step)
        pick, items = next(batches)
        packed = pack([tokens.prefix] * len(items), items)
        loss = -token_logps(vlm, packed, projector(states[pick].float())).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        progress.advance(step + 1)
        if step % 50 == 49:
            progress.warn(f"language step {step + 1}: loss {float(loss):.3f}")
    progress.finish()
    model.requires_grad_(False)


def _batches(
    tokens: Tokens, scenes: Sequence[Scene], size: int, rng: np.random.Generator, where: int, pool: int = 8
) -> Iterator[tuple[Tensor, list[list[Branch]]]]:
    """Endless batches of photos of about the same length: `pool` batches are drawn, sorted and dealt at random."""
    order = np.empty(0, np.int64)
    while True:
        if len(order) < pool * size:
            order = np.concatenate([order, rng.permutation(len(scenes))])
        pick, order = order[: pool * size], order[pool * size :]
        items = [[tokens.branch(turn) for turn in turns_of(scenes[i], rng, where)] for i in pick]
        by_length = np.argsort([sum(len(b.ids) for b in item) for item in items], kind="stable").reshape(pool, size)
        for row in rng.permutation(by_length):
            yield torch.from_numpy(pick[row]), [items[i] for i in row]
