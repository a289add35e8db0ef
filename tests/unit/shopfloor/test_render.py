import hashlib
from dataclasses import replace

import numpy as np
import pytest

from realign_edge.shopfloor.render import render
from realign_edge.shopfloor.scene import CoOccurrence, Scene, part_square, sample_scene
from realign_edge.shopfloor.vocabulary import DEFECTS, PLACES


def scenes(count: int, world: CoOccurrence | None = None, seed: int = 0) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [sample_scene(rng, world or CoOccurrence.unbiased()) for _ in range(count)]


def test_the_same_scene_gives_the_same_bytes() -> None:
    scene = scenes(1)[0]
    first, second = (hashlib.sha256(render(scene, 128).image.tobytes()).digest() for _ in range(2))
    assert first == second


def test_another_shot_differs_only_in_noise() -> None:
    scene = scenes(1)[0]
    a, b = (render(replace(scene, shot=n), 128).image.astype(int) for n in (0, 1))
    assert 0 < np.abs(a - b).mean() < 4


def test_every_defect_is_where_its_place_says() -> None:
    """The middle of the pixels a defect covers lies in the third of the part's square that names it."""
    right = total = 0
    for scene in scenes(120):
        labels = render(scene, 128).defect_map
        left, top, side, *_ = part_square(scene.part, scene.pose)
        for defect in scene.defects:
            rows, columns = np.nonzero(labels == [d.term for d in DEFECTS].index(defect.kind) + 1)
            total += 1
            if len(rows):
                x, y = (columns.mean() + 0.5) / 128, (rows.mean() + 0.5) / 128
                cell = int((y - top) / side * 3) * 3 + int((x - left) / side * 3)
                right += PLACES[min(max(cell, 0), 8)].term == defect.place
    assert total > 100
    assert right / total >= 0.97


@pytest.mark.parametrize("kind", [d.term for d in DEFECTS])
def test_every_defect_can_be_seen(kind: str) -> None:
    """With the defect, the pixels under it change by far more than sensor noise, on every finish drawn."""
    shown = [s for s in scenes(200, seed=4) if s.defects and s.defects[0].kind == kind][:6]
    assert shown
    for scene in shown:
        alone = replace(scene, defects=scene.defects[:1])
        with_it, without = render(alone, 256), render(replace(scene, defects=()), 256)
        area = with_it.defect_map > 0
        assert area.sum() > 60
        assert np.abs(with_it.image[area].astype(int) - without.image[area].astype(int)).mean() > 12


def test_the_biased_floor_has_favourites_and_the_other_has_none() -> None:
    world = CoOccurrence.biased()
    for co_occurrence, low, high in ((world, 0.95, 1.0), (CoOccurrence.unbiased(), 0.08, 0.30)):
        damaged = [s for s in scenes(1500, co_occurrence) if s.defects]
        share = np.mean([world.favourites[s.part][0] in [d.kind for d in s.defects] for s in damaged])
        assert low <= share <= high


def test_defects_of_a_photo_differ_in_kind_and_place() -> None:
    for scene in scenes(300):
        assert len({d.kind for d in scene.defects}) == len({d.place for d in scene.defects}) == len(scene.defects) <= 3
