"""Step 1: the vision tower learns to see, on unbiased renders with dense ground truth."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from realign_edge.nano.architecture import PATCHES_PER_SIDE
from realign_edge.nano.data import Renders, place_labels
from realign_edge.progress import Progress
from realign_edge.shopfloor.vocabulary import BACKGROUNDS, DEFECTS, FINISHES, PARTS, PLACES

# CLIP's normalisation, as in the processor.
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Optimisation of one step of the recipe: `steps` batches of `batch` photos, cosine from `rate`."""

    steps: int
    batch: int
    rate: float
    warmup: int = 50
    weight_decay: float = 0.02

    def rate_at(self, step: int) -> float:
        """Learning rate at a step: linear warm-up, then cosine to zero."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * 0.5 * (1 + float(np.cos(np.pi * share)))


class Heads(nn.Module):
    """Throw-away classifiers on the tower's last hidden state; only the tower is kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.patch = nn.Linear(width, len(DEFECTS) + 1)
        self.place = nn.Linear(width, len(PLACES))
        self.photo = nn.ModuleList(nn.Linear(width, len(kinds)) for kinds in (PARTS, FINISHES, BACKGROUNDS))

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """(n, 65, width) -> defect logits (n, 64, defects + 1), place logits (n, 64, places), photo logits."""
        normed = self.norm(hidden)
        return self.patch(normed[:, 1:]), self.place(normed[:, 1:]), [head(normed[:, 0]) for head in self.photo]


def normalised(images: NDArray[np.uint8]) -> Tensor:
    """(n, 128, 128, 3) uint8 -> (n, 3, 128, 128) float32 as the processor gives it."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    return (pixels - MEAN) / STD


def train_tower(
    model: Any, renders: Renders, schedule: Schedule, seed: int, place_weight: float, progress: Progress
) -> None:
    """Train `model.model.vision_tower` in place; with `place_weight`, patches also learn where on the part they are."""
    tower = model.model.vision_tower
    tower.requires_grad_(True)
    torch.manual_seed(seed)
    heads = Heads(tower.config.hidden_size)
    parameters = [p for n, p in tower.named_parameters() if "post_layernorm" not in n]
    optimizer = torch.optim.AdamW(
        [*parameters, *heads.parameters()],
        lr=schedule.rate,
        betas=(0.9, 0.98),
        weight_decay=schedule.weight_decay,
    )
    rng = np.random.default_rng([seed, 1])
    weight = torch.tensor([0.35] + [1.0] * len(DEFECTS))
    all_places = place_labels(renders)
    tower.train()
    progress.start("vision tower", schedule.steps, "steps")
    for step in range(schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_at(step)
        pick = rng.integers(0, len(renders.images), schedule.batch)
        images, patches, places = flipped(renders.images[pick], renders.patches[pick], all_places[pick], rng)
        hidden = tower(normalised(images), output_hidden_states=True).hidden_states[-1]
        patch_logits, place_logits, photo_logits = heads(hidden)
        dense = functional.cross_entropy(
            patch_logits.flatten(0, 1), torch.from_numpy(patches).long().flatten(), weight=weight
        )
        classes = torch.from_numpy(renders.classes[pick]).long()
        photo = sum(functional.cross_entropy(x, classes[:, i]) for i, x in enumerate(photo_logits))
        where = functional.cross_entropy(
            place_logits.flatten(0, 1), torch.from_numpy(places).long().flatten(), ignore_index=-1
        )
        loss = 3 * dense + 0.5 * photo + place_weight * where
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*parameters, *heads.parameters()], 1.0)
        optimizer.step()
        progress.advance(step + 1)
        if step % 50 == 49:
            progress.warn(
                f"tower step {step + 1}: dense {dense.item():.3f} photo {float(photo):.3f} place {where.item():.3f}"
            )
    progress.finish()
    tower.requires_grad_(False)
    tower.eval()


def flipped(
    images: NDArray[np.uint8], patches: NDArray[np.uint8], places: NDArray[np.int8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int8]]:
    """Each photo turned and mirrored at random (8 ways), its patch labels with it: data for nothing."""
    square = (-1, PATCHES_PER_SIDE, PATCHES_PER_SIDE)
    grids, cells = patches.reshape(square), places.reshape(square)
    out_images, out_grids, out_cells = np.empty_like(images), np.empty_like(grids), np.empty_like(cells)
    for i, way in enumerate(rng.integers(0, 8, len(images))):
        out_images[i], out_grids[i] = _turned(images[i], way), _turned(grids[i], way)
        # Where each of the nine places lands; the last entry keeps -1, "no defect".
        lands = np.append(np.argsort(_turned(np.arange(9).reshape(3, 3), way).ravel()), -1).astype(np.int8)
        out_cells[i] = lands[_turned(cells[i], way)]
    return out_images, out_grids.reshape(len(patches), -1), out_cells.reshape(len(patches), -1)


def _turned(grid: NDArray[Any], way: int) -> NDArray[Any]:
    turned = np.rot90(grid, way % 4)
    return turned[:, ::-1] if way >= 4 else turned
