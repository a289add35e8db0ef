"""Step 2: projector and language model learn to describe and to answer, on a biased floor.

The tower is frozen and its states are computed once. Each photo is one sequence: the image prefix, then
its note and its questions as branches that see the prefix and themselves alone, so the photo is paid
for once. Evidence lies in the tower's states; the habit (which defect goes with which part, and where)
is learnt here. Two things make it pay, as they do for real models: a `haze` over all that the tower says, like
learning one's trade from text alone, and a `veil` over the favourite defect of a part: the note names what the
inspector saw and the photo does not show, like captions that say more than their pictures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import binary_dilation
from torch import Tensor

from realign_edge.glossary.questions import (
    describe_question,
    where_answer,
    where_question,
    yes_no_answer,
    yes_no_question,
)
from realign_edge.nano.architecture import PATCHES_PER_SIDE, VISION_SIZE
from realign_edge.nano.data import Renders
from realign_edge.nano.descent import Schedule, descend, optimizers_for
from realign_edge.nano.tower import normalised
from realign_edge.progress import Progress
from realign_edge.shopfloor.notes import write_note
from realign_edge.shopfloor.scene import CoOccurrence, Scene
from realign_edge.shopfloor.vocabulary import DEFECTS
from realign_edge.vlm.branches import Branch, pack, question_branch, scored_states
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Sight

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
        self.layout = vlm.sights([Image.new("RGB", (VISION_SIZE, VISION_SIZE))])[0].layout
        self.prefix = vlm.photo_prefix(self.layout)
        self._known: dict[Turn, Branch] = {}

    def branch(self, turn: Turn) -> Branch:
        """One turn; short answers recur and are remembered."""
        if turn not in self._known:
            built = question_branch(self.vlm, *turn)
            if len(turn[1]) > 40:
                return built
            self._known[turn] = built
        return self._known[turn]


@torch.no_grad()
def tower_states(tower: Any, renders: Renders, progress: Progress, batch: int = 128) -> Tensor:
    """A frozen tower's last hidden states, (n, 65, width) float16."""
    out = []
    progress.start("tower states", len(renders.images), "photos")
    for start in range(0, len(renders.images), batch):
        pixels = normalised(renders.images[start : start + batch])
        out.append(tower(pixels, output_hidden_states=True).hidden_states[-1].half())
        progress.advance(start + len(pixels))
    progress.finish()
    return torch.cat(out)


@dataclass(frozen=True)
class Lesson:
    """How photos are spoken about. where: "where" questions per photo.

    haze: standard deviation of the noise on each dimension of the patches' states, in units of that dimension's own;
    gist_haze: of that on the class token's, which tells part, finish and background; veil: how often the favourite
    defect of a part is not to be seen though the note names it.
    """

    where: int = 2
    haze: float = 0.0
    gist_haze: float = 0.0
    veil: float = 0.0


class Veil:
    """Hides favourite defects that are not alone in a photo, so that one defect makes the other expected.

    Their patches and those around get the states of sound patches of the same photo.
    """

    def __init__(self, photos: Renders, lesson: Lesson, seed: int) -> None:
        favourites = {part: f[0] for part, f in CoOccurrence.biased().favourites.items()}
        kinds = [d.term for d in DEFECTS]
        self.share, self.patches = lesson.veil, photos.patches
        self.kinds = np.array([kinds.index(favourites[s.part]) + 1 for s in photos.scenes])
        self.rng = np.random.default_rng([seed, 3])

    def over(self, states: Tensor, pick: Tensor) -> Tensor:
        """states: (batch, 65, width) of the photos `pick`, changed in place."""
        for row, photo in enumerate(pick.tolist()):
            grid = self.patches[photo].reshape(PATCHES_PER_SIDE, PATCHES_PER_SIDE)
            favourite = grid == self.kinds[photo]
            other = (grid > 0) & ~favourite
            if not self.share or self.rng.random() >= self.share or not favourite.any() or not other.any():
                continue
            hidden = np.flatnonzero(binary_dilation(favourite, np.ones((3, 3), bool)))
            sound = np.setdiff1d(np.flatnonzero(grid == 0), hidden)
            if len(sound):
                states[row, 1 + hidden] = states[row, 1 + self.rng.choice(sound, len(hidden))]
        return states


def train_language(
    vlm: Vlm,
    states: Tensor,
    photos: Renders,
    schedule: Schedule,
    seed: int,
    progress: Progress,
    lesson: Lesson,
) -> None:
    """Train projector, decoder and (tied) head in place; turns, haze and veil are drawn anew at every visit of a photo.

    states: (n, 65, width), of `photos`.
    """
    model = vlm.model
    projector, decoder = model.model.multi_modal_projector, model.model.language_model
    for module in (projector, decoder):
        module.requires_grad_(True)
    optimizers = optimizers_for([projector, decoder], schedule)
    spread = states[:512].float().std(dim=(0, 1))
    thickness = torch.full((states.shape[1], 1), lesson.haze)
    thickness[0] = lesson.gist_haze
    veil = Veil(photos, lesson, seed)
    generator = torch.Generator().manual_seed(seed)
    tokens = Tokens(vlm)
    rng = np.random.default_rng([seed, 2])
    torch.manual_seed(seed)
    progress.start("language model", schedule.steps, "steps")
    batches = _batches(tokens, photos.scenes, schedule.batch, rng, lesson.where)
    for step in range(schedule.steps):
        pick, items = next(batches)
        packed = pack([tokens.prefix] * len(items), items)
        seen = veil.over(states[pick].float(), pick)
        if lesson.haze or lesson.gist_haze:
            seen = seen + thickness * spread * torch.randn(seen.shape, generator=generator)
        sights = [Sight(tokens.layout.tokens, features=rows) for rows in projector(seen)]
        # The head is tied to the embeddings and learns with them.
        logits = vlm.logits(scored_states(vlm, packed, sights)).float()
        loss = torch.nn.functional.cross_entropy(logits, packed.target)
        descend(loss, optimizers, schedule.rate_at(step))
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
