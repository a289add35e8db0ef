"""Step 1: the vision tower learns to see, on unbiased renders with dense ground truth."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from realign_edge.nano.architecture import PATCH, PATCHES_PER_SIDE
from realign_edge.nano.data import CELLS_PER_PATCH_SIDE, FIRST_DEFECT, Renders, place_labels
from realign_edge.nano.descent import Schedule, descend, optimizers_for
from realign_edge.progress import Progress
from realign_edge.shopfloor.vocabulary import BACKGROUNDS, DEFECTS, FINISHES, PARTS, PLACES

# CLIP's normalisation, as in the processor.
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)
# Sound surface and ground are most of every photo and teach little.
_PATCH_WEIGHT = torch.tensor([0.35] + [1.0] * len(DEFECTS))
_CELL_WEIGHT = torch.tensor([0.1, 0.15] + [1.0] * len(DEFECTS))
# Whitened components vary by _WHITE_SCALE; those whose own variance is below _WHITE_FLOOR are noise and stay small.
_WHITE_SCALE, _WHITE_FLOOR = 0.5, 0.02
_WEIGHTS = {"patch": 3.0, "cell": 3.0, "place": 1.0, "photo": 0.5}


class Heads(nn.Module):
    """Throw-away classifiers on the tower's last hidden state; only the tower is kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.patch = nn.Linear(width, len(DEFECTS) + 1)
        self.cell = nn.Linear(width, CELLS_PER_PATCH_SIDE**2 * (FIRST_DEFECT + len(DEFECTS)))
        self.place = nn.Linear(width, len(PLACES))
        self.photo = nn.ModuleList(nn.Linear(width, len(kinds)) for kinds in (PARTS, FINISHES, BACKGROUNDS))

    def losses(self, hidden: Tensor, truth: "Truth") -> dict[str, Tensor]:
        """What a batch's states (n, 65, width) get wrong: cross-entropies of patches, cells, places and photos."""
        normed = self.norm(hidden)
        patches, photo = normed[:, 1:], normed[:, 0]
        cells = self.cell(patches).unflatten(-1, (CELLS_PER_PATCH_SIDE**2, -1))
        kinds = [functional.cross_entropy(head(photo), truth.classes[:, i]) for i, head in enumerate(self.photo)]
        place = functional.cross_entropy(
            self.place(patches).flatten(0, 1), truth.places.flatten(), ignore_index=-1, reduction="sum"
        )
        return {
            "patch": functional.cross_entropy(
                self.patch(patches).flatten(0, 1), truth.patches.flatten(), _PATCH_WEIGHT
            ),
            "cell": functional.cross_entropy(cells.flatten(0, 2), truth.cells.flatten(), _CELL_WEIGHT),
            "place": place / (truth.places >= 0).sum().clamp(min=1),
            "photo": torch.stack(kinds).sum(),
        }


@dataclass(frozen=True)
class Truth:
    """Ground truth of a batch, int64. patches, places: (n, 64); cells: (n, 64, 16); classes: (n, 3)."""

    patches: Tensor
    places: Tensor
    cells: Tensor
    classes: Tensor


def normalised(images: NDArray[np.uint8]) -> Tensor:
    """(n, 128, 128, 3) uint8 -> (n, 3, 128, 128) float32 as the processor gives it."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    return (pixels - MEAN) / STD


@torch.no_grad()
def whiten_patches(model: Any, images: NDArray[np.uint8]) -> None:
    """Start the patch embedding from the whitened principal components of patches, in place; images: (n, 128, 128, 3).

    A random start sees little but mean colours for a long while; this one has fine lines from the first step on,
    which scratches, cracks and pits are. Decorrelated inputs: LeCun et al., "Efficient BackProp", 1998, section 4.3.
    """
    weight = model.model.vision_tower.embeddings.patch_embedding.weight
    patches = functional.unfold(normalised(images), PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)
    values, vectors = torch.linalg.eigh(torch.cov(patches.T))
    values, vectors = values.flip(0)[: len(weight)], vectors.flip(1)[:, : len(weight)]
    weight.copy_((vectors * _WHITE_SCALE / (values + _WHITE_FLOOR).sqrt()).T.reshape(weight.shape))


def train_tower(
    model: Any,
    renders: Renders,
    schedule: Schedule,
    seed: int,
    progress: Progress,
    seen: Callable[[int, nn.Module], None],
) -> None:
    """Train `model.model.vision_tower` in place: what lies under every patch and cell, and where on the part.

    `seen(steps, tower)` is called after every step.
    """
    tower = model.model.vision_tower
    tower.requires_grad_(True)
    torch.manual_seed(seed)
    heads = Heads(tower.config.hidden_size)
    optimizers = optimizers_for([tower, heads], schedule)
    rng = np.random.default_rng([seed, 1])
    all_places = place_labels(renders)
    tower.train()
    progress.start("vision tower", schedule.steps, "steps")
    for step in range(schedule.steps):
        images, truth = _batch(renders, all_places, schedule.batch, rng)
        losses = heads.losses(tower(images, output_hidden_states=True).hidden_states[-1], truth)
        loss = torch.stack([_WEIGHTS[name] * value for name, value in losses.items()]).sum()
        descend(loss, optimizers, schedule.rate_at(step))
        seen(step + 1, tower)
        progress.advance(step + 1)
        if step % 50 == 49:
            shown = " ".join(f"{name} {float(value):.3f}" for name, value in losses.items())
            progress.warn(f"tower step {step + 1}: {shown}")
    progress.finish()
    tower.requires_grad_(False)
    tower.eval()


def _batch(renders: Renders, all_places: NDArray[np.int8], size: int, rng: np.random.Generator) -> tuple[Tensor, Truth]:
    """Photos drawn at random and turned and mirrored at random, (n, 3, 128, 128), with their truth."""
    pick = rng.integers(0, len(renders.images), size)
    images, patches, places, cells = flipped(
        renders.images[pick], renders.patches[pick], all_places[pick], renders.cells[pick], rng
    )
    side, edge = PATCHES_PER_SIDE, CELLS_PER_PATCH_SIDE
    in_patches = cells.reshape(size, side, edge, side, edge).transpose(0, 1, 3, 2, 4).reshape(size, side**2, edge**2)
    truth = (torch.from_numpy(a.astype(np.int64)) for a in (patches, places, in_patches, renders.classes[pick]))
    return normalised(images), Truth(*truth)


def flipped(
    images: NDArray[np.uint8],
    patches: NDArray[np.uint8],
    places: NDArray[np.int8],
    cells: NDArray[np.uint8],
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int8], NDArray[np.uint8]]:
    """Each photo turned and mirrored at random (8 ways), its labels with it: data for nothing."""
    square = (-1, PATCHES_PER_SIDE, PATCHES_PER_SIDE)
    grids, spots = patches.reshape(square), places.reshape(square)
    out_images, out_cells = np.empty_like(images), np.empty_like(cells)
    out_grids, out_spots = np.empty_like(grids), np.empty_like(spots)
    for i, way in enumerate(rng.integers(0, 8, len(images))):
        out_images[i], out_grids[i], out_cells[i] = (_turned(a[i], way) for a in (images, grids, cells))
        # Where each of the nine places lands; the last entry keeps -1, "no defect".
        lands = np.append(np.argsort(_turned(np.arange(9).reshape(3, 3), way).ravel()), -1).astype(np.int8)
        out_spots[i] = lands[_turned(spots[i], way)]
    return out_images, out_grids.reshape(len(patches), -1), out_spots.reshape(len(patches), -1), out_cells


def _turned(grid: NDArray[Any], way: int) -> NDArray[Any]:
    turned = np.rot90(grid, way % 4)
    return turned[:, ::-1] if way >= 4 else turned
