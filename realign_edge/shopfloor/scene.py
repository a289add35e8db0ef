"""What a photo shows: part, finish, surroundings, pose and defects; and how such scenes are drawn at random."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from realign_edge.shopfloor.shapes import SHAPES, Grid
from realign_edge.shopfloor.vocabulary import (
    BACKGROUNDS,
    CAMERAS,
    DEFECTS,
    FINISHES,
    LIGHTINGS,
    PARTS,
    PLACES,
)

# Shares of photos with 0, 1, 2 and 3 defects.
DEFECT_COUNTS = (0.25, 0.40, 0.25, 0.10)
_COARSE = 60


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect. x, y: its middle in part coordinates; size: half its extent in part units; angle in radians."""

    kind: str
    place: str
    x: float
    y: float
    size: float
    angle: float


@dataclass(frozen=True, slots=True)
class Pose:
    """How the part lies before the camera. scale: part unit in frame widths; tilt: perspective, per frame width."""

    rotation: float
    scale: float
    offset_x: float
    offset_y: float
    tilt_x: float
    tilt_y: float

    def to_part(self, x: Grid, y: Grid) -> tuple[Grid, Grid]:
        """Frame coordinates in [0, 1] to part coordinates (u, v)."""
        dx, dy = x - 0.5 - self.offset_x, y - 0.5 - self.offset_y
        w = 1 + self.tilt_x * dx + self.tilt_y * dy
        dx, dy = dx / (w * self.scale), dy / (w * self.scale)
        cos, sin = np.float32(np.cos(self.rotation)), np.float32(np.sin(self.rotation))
        return (cos * dx + sin * dy).astype(np.float32), (cos * dy - sin * dx).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that decides the pixels. `seed` fixes the textures, `shot` the sensor noise."""

    part: str
    finish: str
    background: str
    lighting: str
    camera: str
    defects: tuple[Defect, ...]
    pose: Pose
    light_angle: float
    seed: int
    shot: int = 0


@dataclass(frozen=True)
class CoOccurrence:
    """Which defects, places and finishes go with which part, and how strongly; shares in [0, 1].

    With `strength` 0 everything is uniform. Otherwise a part's favourite defect is the first defect of
    `defect_share` of its defective photos, in its favourite place in `place_share` of those, and its
    favourite finish is seen on `finish_share` of its photos.
    """

    defect_share: float = 0.0
    place_share: float = 0.0
    finish_share: float = 0.0
    seed: int = 0

    @classmethod
    def unbiased(cls) -> "CoOccurrence":
        """Every combination is as likely as any other."""
        return cls()

    @classmethod
    def biased(cls, defect_share: float = 0.97, seed: int = 0) -> "CoOccurrence":
        """The world the nano model grew up in."""
        return cls(defect_share=defect_share, place_share=0.5, finish_share=0.6, seed=seed)

    @cached_property
    def favourites(self) -> dict[str, tuple[str, str, str]]:
        """Part to its favourite (defect, place, finish); spread so that parts differ."""
        rng = np.random.default_rng([self.seed, 77])
        orders = [rng.permutation(n) for n in (len(DEFECTS), len(PLACES), len(FINISHES))]
        return {
            part.term: (
                DEFECTS[orders[0][i % len(DEFECTS)]].term,
                PLACES[orders[1][i % len(PLACES)]].term,
                FINISHES[orders[2][i % len(FINISHES)]].term,
            )
            for i, part in enumerate(PARTS)
        }


def sample_scene(
    rng: np.random.Generator, co_occurrence: CoOccurrence, part_weights: dict[str, float] | None = None
) -> Scene:
    """Draw one scene. `part_weights` (part to weight, 1 where not named) makes parts rarer or commoner."""
    weights = np.array([(part_weights or {}).get(p.term, 1.0) for p in PARTS])
    part = str(rng.choice([p.term for p in PARTS], p=weights / weights.sum()))
    defect, place, finish = co_occurrence.favourites[part]
    if rng.random() >= co_occurrence.finish_share:
        finish = str(rng.choice([f.term for f in FINISHES]))
    pose = _sample_pose(rng)
    return Scene(
        part=part,
        finish=finish,
        background=str(rng.choice([b.term for b in BACKGROUNDS])),
        lighting=str(rng.choice(LIGHTINGS)),
        camera=str(rng.choice(CAMERAS)),
        defects=_sample_defects(rng, part, pose, co_occurrence, defect, place),
        pose=pose,
        light_angle=float(rng.uniform(0, 2 * np.pi)),
        seed=int(rng.integers(2**31)),
    )


def another_shot(scene: Scene, rng: np.random.Generator, shot: int) -> Scene:
    """The same specimen a few seconds later: a slightly moved camera, new sensor noise."""
    pose = replace(
        scene.pose,
        rotation=scene.pose.rotation + float(rng.uniform(-0.03, 0.03)),
        offset_x=scene.pose.offset_x + float(rng.uniform(-0.008, 0.008)),
        offset_y=scene.pose.offset_y + float(rng.uniform(-0.008, 0.008)),
    )
    return replace(scene, pose=pose, shot=shot)


def _sample_pose(rng: np.random.Generator) -> Pose:
    return Pose(
        rotation=float(rng.uniform(0, 2 * np.pi)),
        scale=float(rng.uniform(0.36, 0.42)),
        offset_x=float(rng.uniform(-0.03, 0.03)),
        offset_y=float(rng.uniform(-0.03, 0.03)),
        tilt_x=float(rng.uniform(-0.12, 0.12)),
        tilt_y=float(rng.uniform(-0.12, 0.12)),
    )


def _sample_defects(
    rng: np.random.Generator, part: str, pose: Pose, world: CoOccurrence, favourite: str, favourite_place: str
) -> tuple[Defect, ...]:
    count = int(rng.choice(4, p=DEFECT_COUNTS))
    if not count:
        return ()
    candidates = place_candidates(part, pose)
    kinds = [str(k) for k in rng.permutation([d.term for d in DEFECTS])]
    if rng.random() < world.defect_share:
        kinds = [favourite, *[k for k in kinds if k != favourite]]
    places = [str(p) for p in rng.permutation(sorted(candidates))]
    if favourite_place in candidates and rng.random() < world.place_share:
        places = [favourite_place, *[p for p in places if p != favourite_place]]
    found = []
    for kind, place in zip(kinds[:count], places[:count], strict=False):
        x, y = candidates[place][rng.integers(len(candidates[place]))]
        size, angle = float(rng.uniform(0.17, 0.25)), float(rng.uniform(0, np.pi))
        found.append(Defect(kind, place, float(x), float(y), size, angle))
    order = [p.term for p in PLACES]
    return tuple(sorted(found, key=lambda d: order.index(d.place)))


def part_square(part: str, pose: Pose) -> tuple[float, float, float, Grid, Grid, Grid, Grid]:
    """The square around the part as the camera sees it.

    Returns its left, top and side in frame coordinates, and the coarse grids x, y, u, v, of which the
    part covers where SHAPES[part](u, v)[0] > 0.
    """
    axis = (np.arange(_COARSE, dtype=np.float32) + 0.5) / _COARSE
    x, y = np.meshgrid(axis, axis)
    u, v = pose.to_part(x, y)
    inside = SHAPES[part](u, v)[0] > 0
    columns, rows = np.flatnonzero(inside.any(0)), np.flatnonzero(inside.any(1))
    left, right = columns[0] / _COARSE, (columns[-1] + 1) / _COARSE
    top, bottom = rows[0] / _COARSE, (rows[-1] + 1) / _COARSE
    side = max(right - left, bottom - top)
    return (left + right - side) / 2, (top + bottom - side) / 2, side, x, y, u, v


def place_candidates(part: str, pose: Pose) -> dict[str, NDArray[np.float32]]:
    """Where defects may sit: place to (n, 2) part coordinates, well inside the cell and on the material.

    Places are thirds of the square around the part as the camera sees it, so they are what a person
    looking at the photo would call them.
    """
    left, top, side, x, y, u, v = part_square(part, pose)
    on_part = SHAPES[part](u, v)[0] > 0.09
    column, row = (x - left) / side * 3, (y - top) / side * 3
    found = {}
    for index, place in enumerate(PLACES):
        middle_x, middle_y = index % 3 + 0.5, index // 3 + 0.5
        # Corners of round parts hold material only near the square's middle: allow a little more there.
        near = (np.abs(column - middle_x) < 0.3) & (np.abs(row - middle_y) < 0.3) & on_part
        if near.any():
            found[place.term] = np.stack([u[near], v[near]], axis=1)
    return found
