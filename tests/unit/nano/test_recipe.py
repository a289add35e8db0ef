"""The recipe of the embedded model, on a handful of photos: what it learns from is right, and it is repeatable."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from realign_edge.files import sha256_file
from realign_edge.nano.architecture import PATCH
from realign_edge.nano.data import FIRST_DEFECT, GROUND, SOUND, Renders, cell_labels, patch_labels, render_many
from realign_edge.nano.descent import Muon, Schedule, orthogonal
from realign_edge.nano.language import Lesson, Veil
from realign_edge.nano.recipe import Recipe, Round, cook
from realign_edge.nano.tower import flipped, normalised, whiten_patches
from realign_edge.progress import Silent
from realign_edge.shopfloor.render import Render
from realign_edge.shopfloor.scene import CoOccurrence
from realign_edge.shopfloor.vocabulary import DEFECTS


@pytest.fixture(scope="module")
def renders() -> Renders:
    return render_many(40, 5, CoOccurrence.unbiased(), 1, Silent())


def test_cells_and_patches_say_what_lies_under_them() -> None:
    """One patch is 32 px of a 256 px render, one cell 8 px."""
    defects, part = np.zeros((256, 256), np.uint8), np.zeros((256, 256), bool)
    part[:128] = True
    defects[32:40, 64:72] = 3
    cells = cell_labels(Render(np.zeros((256, 256, 3), np.uint8), defects, part))
    assert cells[4, 8] == FIRST_DEFECT + 2
    assert cells[0, 0] == SOUND
    assert cells[31, 31] == GROUND
    assert np.count_nonzero(cells >= FIRST_DEFECT) == 1
    patches = patch_labels(defects)
    assert patches.reshape(8, 8)[1, 2] == 3
    assert np.count_nonzero(patches) == 1


def test_turning_a_photo_turns_its_labels_with_it() -> None:
    """Pixels that spell out their own cell's label must still do so afterwards."""
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 11, (16, 32, 32)).astype(np.uint8)
    images = np.repeat(np.repeat(cells, 4, axis=1), 4, axis=2)[..., None].repeat(3, axis=3)
    patches = cells[:, ::4, ::4].reshape(16, 64).copy()
    places = np.where(patches > 0, np.arange(64) // 8 // 3 * 3 + np.arange(64) % 8 // 3, -1).astype(np.int8)
    out = flipped(images, patches, places, cells, rng)
    assert not np.array_equal(out[0], images)
    assert np.array_equal(out[0][:, ::4, ::4, 0], out[3])
    # The mark of a patch is that of one of its corners, whichever way the photo was turned.
    corners = [out[3][:, i::4, j::4].reshape(16, 64) for i in (0, 3) for j in (0, 3)]
    assert all(any(np.array_equal(out[1][n], c[n]) for c in corners) for n in range(16))
    # A place moves with its defect: the upper left third of a turned photo is named upper left.
    for n in range(16):
        top_left = out[2][n].reshape(8, 8)[:2, :2]
        assert set(top_left.ravel().tolist()) <= {0, -1}


def test_whitened_patches_are_uncorrelated(renders: Renders, tiny_vlm: Any) -> None:
    whiten_patches(tiny_vlm.model, renders.images)
    weight = tiny_vlm.model.model.vision_tower.embeddings.patch_embedding.weight.flatten(1)
    patches = functional.unfold(normalised(renders.images), PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)
    spread = torch.cov((patches @ weight.T).T)
    leading = spread.diagonal()[:20]
    assert leading.min() > 0.5 * leading.max()
    off = spread - torch.diag(spread.diagonal())
    # The data itself gave the components, so what is left is float32 rounding of eigenvectors.
    assert off.abs().max() < 1e-2 * leading.max()


def test_a_veil_hides_the_favourite_defect_and_nothing_else() -> None:
    photos = render_many(60, 5, CoOccurrence.biased(), 1, Silent())
    favourites = CoOccurrence.biased().favourites
    states = torch.arange(60 * 65).reshape(60, 65, 1).float()
    hidden = 0
    seen = Veil(photos, Lesson(veil=1.0), 0).over(states.clone(), torch.arange(60))
    for row, scene in enumerate(photos.scenes):
        kind = [d.term for d in DEFECTS].index(favourites[scene.part][0]) + 1
        alone = not ((photos.patches[row] > 0) & (photos.patches[row] != kind)).any()
        shown = (photos.patches[row] == kind) & (not alone)
        changed = (seen[row] != states[row]).numpy().ravel()
        assert not changed[0]
        assert changed[1:][shown].all()
        assert changed.any() == shown.any()
        source = (seen[row, 1:, 0] - states[row, 0, 0]).long().numpy()[shown] - 1
        assert (photos.patches[row][source] == 0).all()
        hidden += shown.any()
    assert hidden > 10
    assert torch.equal(Veil(photos, Lesson(), 0).over(states.clone(), torch.arange(60)), states)


@pytest.mark.parametrize("shape", [(24, 24), (12, 40), (40, 12)])
def test_muon_keeps_directions_and_evens_out_sizes(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    rotated = u.T @ orthogonal(matrix) @ vh.T
    sizes = rotated.diagonal()
    # Five Newton-Schulz steps with these coefficients end between 0.7 and 1.2 (Jordan et al.); small ones a bit below.
    assert float(sizes.min()) > 0.5 and float(sizes.max()) < 1.3
    assert float((rotated - torch.diag(sizes)).abs().max()) < 1e-4


def test_muon_descends() -> None:
    torch.manual_seed(0)
    goal, weight = torch.randn(16, 16), torch.nn.Parameter(torch.zeros(16, 16))
    optimizer = Muon([weight], lr=0.05, weight_decay=0.0)
    for _ in range(200):
        optimizer.zero_grad()
        ((weight - goal) ** 2).sum().backward()
        optimizer.step()
    assert float(((weight - goal) ** 2).mean().detach()) < 0.1 * float((goal**2).mean())


def _recipe(rounds: Iterable[Round]) -> Recipe:
    return Recipe(0, tower_layers=1, decoder_layers=1, rounds=tuple(rounds))


def test_the_same_recipe_gives_the_same_bytes_and_goes_on_where_it_was(tmp_path: Path) -> None:
    see = Round("see", 12, Schedule(steps=2, batch=1, rate=1e-3, warmup=1))
    hazy = Round(
        "speak", 12, Schedule(steps=2, batch=1, rate=1e-3, warmup=1), sight=1, lesson=Lesson(haze=1.0, gist_haze=0.5)
    )
    clear = Round("speak", 12, Schedule(steps=1, batch=1, rate=1e-3, warmup=1))

    def bytes_of(cache: str, *tries: tuple[Round, ...]) -> str:
        for rounds in tries:
            cook(_recipe(rounds), tmp_path / "out", tmp_path / cache, 1, Silent())
        return sha256_file(tmp_path / "out" / "model.safetensors")

    whole = bytes_of("one cache", (see, hazy, clear))
    assert bytes_of("another", (see, hazy), (see, hazy, clear)) == whole
    # In the same cache, where the rounds of the first recipe lie: none may be taken for those of this one.
    assert bytes_of("one cache", (see, replace(hazy, lesson=Lesson()), clear)) != whole
