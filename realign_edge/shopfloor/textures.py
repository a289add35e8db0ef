"""Procedural textures: smooth noise, brushed metal, and the surfaces that parts lie on."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from realign_edge.shopfloor.shapes import Grid


def smooth_noise(rng: np.random.Generator, size: int, cells: int) -> Grid:
    """Smooth noise in about [-1, 1], (size, size), with `cells` bumps a side; the same picture at any size."""
    coarse = rng.standard_normal((cells + 3, cells + 3)).astype(np.float32)
    image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32) * 0.6


def fractal(rng: np.random.Generator, size: int, cells: int) -> Grid:
    """Three octaves of smooth noise, (size, size), in about [-1, 1]."""
    octaves = (smooth_noise(rng, size, cells * 2**i) / 2**i for i in range(3))
    return np.asarray(sum(octaves), np.float32) * 0.7


def streaks(rng: np.random.Generator, coordinate: Grid, per_unit: int) -> Grid:
    """Brush marks: noise that varies along one coordinate only."""
    line = np.convolve(rng.standard_normal(1024), [0.25, 0.5, 0.25], "same").astype(np.float32)
    return line[(coordinate * per_unit + 4096).astype(np.int32) % 1024]


def _tinted(base: tuple[float, float, float], shade: Grid) -> Grid:
    return np.asarray(np.array(base, np.float32) * shade[..., None], np.float32)


def _wood(rng: np.random.Generator, x: Grid, y: Grid) -> Grid:
    bend = smooth_noise(rng, len(x), 3)
    rings = np.sin((y * 26 + bend * 2.2) + 3 * smooth_noise(rng, len(x), 2))
    return _tinted((0.56, 0.37, 0.21), 0.86 + 0.1 * rings + 0.06 * streaks(rng, y + 0.02 * bend, 260))


def _mat(rng: np.random.Generator, x: Grid, y: Grid) -> Grid:
    lines = np.minimum(np.abs(np.mod(x * 9, 1) - 0.5), np.abs(np.mod(y * 9, 1) - 0.5)) < 0.035
    shade = 0.92 + 0.06 * fractal(rng, len(x), 24)
    return _tinted((0.08, 0.33, 0.24), shade + 0.55 * lines.astype(np.float32))


def _tray(rng: np.random.Generator, x: Grid, y: Grid) -> Grid:
    return _tinted((0.82, 0.82, 0.79), 0.97 + 0.04 * smooth_noise(rng, len(x), 3) + 0.03 * (x - y))


def _cloth(rng: np.random.Generator, x: Grid, y: Grid) -> Grid:
    weave = np.sin(x * 250) * np.sin(y * 250)
    folds = smooth_noise(rng, len(x), 3)
    return _tinted((0.17, 0.27, 0.48), 0.95 + 0.13 * weave + 0.17 * folds)


def _conveyor(rng: np.random.Generator, x: Grid, y: Grid) -> Grid:
    ribs = np.sin(y * 70)
    return _tinted((0.36, 0.37, 0.38), 0.95 + 0.09 * ribs + 0.1 * fractal(rng, len(x), 12))


def _foam(rng: np.random.Generator, x: Grid, y: Grid) -> Grid:
    return _tinted((0.075, 0.075, 0.08), 1 + 0.5 * smooth_noise(rng, len(x), 90) + 0.1 * (x + y))


SURFACES: dict[str, Callable[[np.random.Generator, Grid, Grid], Grid]] = {
    "wooden bench": _wood,
    "green mat": _mat,
    "white tray": _tray,
    "blue cloth": _cloth,
    "grey conveyor": _conveyor,
    "black foam": _foam,
}
