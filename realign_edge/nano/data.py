"""What the nano VLM is trained on: renders of the synthetic shop floor with their exact ground truth."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from realign_edge.nano.architecture import PATCHES_PER_SIDE, VISION_SIZE
from realign_edge.progress import Progress
from realign_edge.shopfloor.render import Render, render
from realign_edge.shopfloor.scene import CoOccurrence, Scene, sample_scene
from realign_edge.shopfloor.vocabulary import BACKGROUNDS, DEFECTS, FINISHES, PARTS, PLACES

RENDER_SIZE = 256
# A patch, and a cell, carry a defect's label when the defect covers this share of them.
MIN_COVERAGE = 0.04
MIN_CELL_COVERAGE = 0.2
# Cells are quarters of a patch's side: 4 px of the model's picture.
CELLS_PER_PATCH_SIDE = 4
CELLS_PER_SIDE = CELLS_PER_PATCH_SIDE * PATCHES_PER_SIDE
GROUND, SOUND, FIRST_DEFECT = 0, 1, 2


@dataclass(frozen=True)
class Renders:
    """n rendered photos with ground truth.

    images: (n, 128, 128, 3) uint8 RGB; patches: (n, 64) uint8, 0 = no defect, i + 1 = DEFECTS[i];
    cells: (n, 32, 32) uint8, what lies under each 4 px: GROUND, SOUND part, or FIRST_DEFECT + i = DEFECTS[i];
    classes: (n, 3) uint8, indices into PARTS, FINISHES, BACKGROUNDS.
    """

    images: NDArray[np.uint8]
    patches: NDArray[np.uint8]
    cells: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    scenes: tuple[Scene, ...]


def render_many(count: int, seed: int, co_occurrence: CoOccurrence, workers: int, progress: Progress) -> Renders:
    """Render `count` scenes; photo i depends on (seed, i) alone, whatever the number of workers."""
    one = partial(_render_one, seed=seed, co_occurrence=co_occurrence)
    images = np.empty((count, VISION_SIZE, VISION_SIZE, 3), np.uint8)
    patches = np.empty((count, PATCHES_PER_SIDE**2), np.uint8)
    cells = np.empty((count, CELLS_PER_SIDE, CELLS_PER_SIDE), np.uint8)
    classes = np.empty((count, 3), np.uint8)
    scenes: list[Scene] = []
    progress.start("render", count, "photos")
    for i, (image, labels, fine, kinds, scene) in enumerate(_mapped(one, count, workers)):
        images[i], patches[i], cells[i], classes[i] = image, labels, fine, kinds
        scenes.append(scene)
        progress.advance(i + 1)
    progress.finish()
    return Renders(images, patches, cells, classes, tuple(scenes))


def _mapped(one: Any, count: int, workers: int) -> Iterator[Any]:
    if workers <= 1:
        yield from map(one, range(count))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, range(count), chunksize=32)


def _render_one(
    index: int, seed: int, co_occurrence: CoOccurrence
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], tuple[int, int, int], Scene]:
    scene = sample_scene(np.random.default_rng([seed, index]), co_occurrence)
    shot = render(scene, RENDER_SIZE)
    small = Image.fromarray(shot.image).resize((VISION_SIZE, VISION_SIZE), Image.Resampling.BICUBIC)
    kinds = (
        [p.term for p in PARTS].index(scene.part),
        [f.term for f in FINISHES].index(scene.finish),
        [b.term for b in BACKGROUNDS].index(scene.background),
    )
    return np.asarray(small), patch_labels(shot.defect_map), cell_labels(shot), kinds, scene


def place_labels(renders: Renders) -> NDArray[np.int8]:
    """The place of the defect under each vision patch: (n, 64), index into PLACES, -1 where there is no defect."""
    table = np.full((len(renders.scenes), len(DEFECTS) + 1), -1, np.int8)
    kinds, places = [d.term for d in DEFECTS], [p.term for p in PLACES]
    for row, scene in enumerate(renders.scenes):
        for defect in scene.defects:
            table[row, kinds.index(defect.kind) + 1] = places.index(defect.place)
    return np.take_along_axis(table, renders.patches.astype(np.int64), axis=1)


def patch_labels(defect_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The defect that covers most of each vision patch: (size, size) -> (64,), row by row."""
    return _commonest_defect(_tiles(defect_map, PATCHES_PER_SIDE), MIN_COVERAGE)


def cell_labels(shot: Render) -> NDArray[np.uint8]:
    """What lies under each cell: (size, size) maps -> (32, 32), as in `Renders`."""
    defect = _commonest_defect(_tiles(shot.defect_map, CELLS_PER_SIDE), MIN_CELL_COVERAGE)
    sound = _tiles(shot.part_mask, CELLS_PER_SIDE).mean(axis=1) >= 0.5
    labels = np.where(defect > 0, defect - 1 + FIRST_DEFECT, np.where(sound, SOUND, GROUND))
    return labels.reshape(CELLS_PER_SIDE, CELLS_PER_SIDE).astype(np.uint8)


def _tiles(picture: NDArray[Any], per_side: int) -> NDArray[Any]:
    """(size, size) -> (per_side ** 2, pixels of a tile), row by row."""
    edge = len(picture) // per_side
    grid = picture.reshape(per_side, edge, per_side, edge).transpose(0, 2, 1, 3)
    return grid.reshape(per_side**2, edge * edge)


def _commonest_defect(tiles: NDArray[np.uint8], coverage: float) -> NDArray[np.uint8]:
    """The defect that covers most of each tile, i + 1 = DEFECTS[i]; 0 where none covers `coverage` of it."""
    shares = np.stack([(tiles == kind).mean(axis=1) for kind in range(1, len(DEFECTS) + 1)], axis=1)
    return np.where(shares.max(axis=1) >= coverage, shares.argmax(axis=1) + 1, 0).astype(np.uint8)
