"""Defects: each changes the relief, the colour and the gloss of the surface in a way of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realign_edge.shopfloor.scene import Defect
from realign_edge.shopfloor.shapes import Grid
from realign_edge.shopfloor.textures import smooth_noise


@dataclass
class Surface:
    """What is shaded. albedo: (h, w, 3) linear; height: (h, w) part units; gloss: (h, w) in [0, 1]."""

    albedo: Grid
    height: Grid
    gloss: Grid


@dataclass(frozen=True)
class Spot:
    """Local coordinates of a defect: a along it, b across it, both in units of its size; r the radius."""

    a: Grid
    b: Grid
    r: Grid
    noise: Grid
    size: float
    rng: np.random.Generator


# (h, w) bool.
Area = NDArray[Any]


def _blend(surface: Surface, mask: Grid, colour: tuple[float, float, float] | Grid) -> None:
    weight = np.clip(mask, 0, 1)[..., None]
    surface.albedo += (np.asarray(colour, np.float32) - surface.albedo) * weight


def _soft(x: Grid, width: float) -> Grid:
    return np.asarray(np.clip(x / width, 0, 1), np.float32)


def _scratch(s: Surface, p: Spot) -> Area:
    """A long bright line with a dark shoulder."""
    line = np.abs(p.b - 0.1 * np.sin(2.2 * p.a) - 0.03 * p.noise)
    along = _soft(1.25 - np.abs(p.a), 0.25)
    _blend(s, _soft(0.21 - np.abs(line - 0.17), 0.1) * along * 0.75, (0.03, 0.03, 0.035))
    _blend(s, _soft(0.13 - line, 0.06) * along, (0.95, 0.95, 0.97))
    s.height -= 0.012 * _soft(0.2 - line, 0.2) * along
    return (line < 0.28) & (np.abs(p.a) < 1.25)


def _dent(s: Surface, p: Spot) -> Area:
    """A smooth bowl: one side dark, the other bright."""
    bowl = np.clip(1 - (p.r / 0.95) ** 2, 0, None) ** 2
    s.height -= 0.85 * p.size * bowl
    s.gloss *= 1 - 0.4 * bowl
    s.albedo *= (1 - 0.35 * bowl)[..., None]
    return p.r < 0.85


def _crack(s: Surface, p: Spot) -> Area:
    """A jagged black line with a branch."""
    knots = p.rng.uniform(-0.34, 0.34, 9)
    path = np.interp(p.a, np.linspace(-1.2, 1.2, 9), knots).astype(np.float32)
    branch = np.interp(p.a, (0.0, 1.0), (float(knots[4]), 0.95)).astype(np.float32)
    width = 0.13 * (1.25 - np.abs(p.a))
    main = (np.abs(p.b - path) < width) & (np.abs(p.a) < 1.2)
    side = (np.abs(p.b - branch) < 0.07) & (p.a > 0) & (p.a < 0.9)
    line = (main | side).astype(np.float32)
    _blend(s, line, (0.008, 0.007, 0.007))
    edge = (np.abs(p.b - path) < width + 0.1) & (np.abs(p.a) < 1.15) & ~main
    _blend(s, edge.astype(np.float32) * 0.45, (0.75, 0.75, 0.75))
    s.gloss *= 1 - line
    return main | side | edge


def _rust(s: Surface, p: Spot) -> Area:
    """A rough, mottled orange-brown patch."""
    mask = _soft(1 - p.r - 0.33 * p.noise, 0.22)
    mottle = np.clip(0.55 + 0.5 * smooth_noise(p.rng, len(p.r), 70), 0, 1)[..., None]
    colour = np.array((0.16, 0.045, 0.012), np.float32) * (1 - mottle) + mottle * np.array(
        (0.72, 0.27, 0.04), np.float32
    )
    _blend(s, mask, colour)
    s.gloss *= 1 - mask
    s.height += 0.012 * mask * mottle[..., 0]
    return mask > 0.4


def _oil(s: Surface, p: Spot) -> Area:
    """A dark, glossy pool with a thin iridescent rim."""
    depth = 1 - p.r - 0.22 * p.noise
    mask = _soft(depth, 0.1)
    rim = np.exp(-((depth - 0.1) ** 2) / 0.006).astype(np.float32)
    _blend(s, mask * 0.86, (0.035, 0.028, 0.012))
    s.albedo += rim[..., None] * np.array((0.09, 0.11, 0.02), np.float32)
    s.gloss += (0.16 - s.gloss) * mask
    return mask > 0.4


def _chip(s: Surface, p: Spot) -> Area:
    """A broken-out facet: bright raw metal inside a hard polygonal rim."""
    corners = p.rng.uniform(0.55, 1.0, 7)
    angle = np.arctan2(p.b, p.a)
    outline = np.interp(angle, np.linspace(-np.pi, np.pi, 8), [*corners, corners[0]]).astype(np.float32)
    inside = p.r < outline
    facet = np.where(p.a * 0.6 + p.b > 0.1, 0.95, 0.55) + 0.12 * p.noise
    _blend(s, inside.astype(np.float32), np.repeat(facet[..., None], 3, axis=2))
    rim = np.abs(p.r - outline) < 0.12
    _blend(s, rim.astype(np.float32) * 0.9, (0.02, 0.02, 0.02))
    s.height -= 0.05 * p.size * inside
    return np.asarray(inside | rim)


def _burr(s: Surface, p: Spot) -> Area:
    """A row of bright, raised teeth throwing a shadow."""
    teeth = 0.34 + 0.4 * np.abs(np.mod(p.a * 2.6 + 0.15 * p.noise, 1) - 0.5)
    along = np.abs(p.a) < 1.1
    ridge = (p.b > -0.14) & (p.b < teeth) & along
    shadow = (p.b <= -0.14) & (p.b > -0.42) & along
    _blend(s, ridge.astype(np.float32), (0.9, 0.88, 0.84))
    gaps = ridge & (np.abs(np.mod(p.a * 2.6, 1) - 0.5) < 0.12)
    _blend(s, gaps.astype(np.float32) * 0.9, (0.05, 0.05, 0.05))
    _blend(s, shadow.astype(np.float32) * 0.85, (0.01, 0.01, 0.01))
    return ridge | shadow


def _pitting(s: Surface, p: Spot) -> Area:
    """A cluster of small round dark holes."""
    area = np.zeros(p.r.shape, bool)
    for _ in range(14):
        angle, radius = p.rng.uniform(0, 2 * np.pi), 0.95 * np.sqrt(p.rng.random())
        width = p.rng.uniform(0.1, 0.17)
        q = np.hypot(p.a - radius * np.cos(angle), p.b - radius * np.sin(angle)) / width
        _blend(s, (np.abs(q - 1.25) < 0.25).astype(np.float32) * 0.4, (0.8, 0.8, 0.8))
        _blend(s, _soft(1.15 - q, 0.3), (0.012, 0.012, 0.012))
        area |= q < 1.3
    return area


def _heat_tint(s: Surface, p: Spot) -> Area:
    """Concentric temper colours: straw, purple, blue."""
    t = np.clip(p.r + 0.08 * p.noise, 0, 1.15)
    stops = np.linspace(0, 1, 5)
    colours = np.array(((0.12, 0.3, 0.75), (0.2, 0.12, 0.6), (0.5, 0.1, 0.42), (0.75, 0.45, 0.12), (0.85, 0.7, 0.3)))
    colour = np.stack([np.interp(t, stops, colours[:, i]) for i in range(3)], axis=2).astype(np.float32)
    _blend(s, _soft(1.1 - t, 0.16) * 0.88, colour)
    return t < 1.0


DAMAGE: dict[str, Callable[[Surface, Spot], Area]] = {
    "scratch": _scratch,
    "dent": _dent,
    "crack": _crack,
    "rust": _rust,
    "oil stain": _oil,
    "chip": _chip,
    "burr": _burr,
    "pitting": _pitting,
    "heat tint": _heat_tint,
}


def apply_defect(surface: Surface, defect: Defect, u: Grid, v: Grid, rng: np.random.Generator) -> Area:
    """Change the surface where the defect is; returns the pixels it covers.

    Only a window around the defect is computed, which is most of the renderer's speed.
    """
    reach = 1.4 * defect.size
    window = (np.abs(u - defect.x) < reach) & (np.abs(v - defect.y) < reach)
    area = np.zeros(u.shape, bool)
    rows, columns = np.flatnonzero(window.any(1)), np.flatnonzero(window.any(0))
    seed = int(rng.integers(2**31))
    if not len(rows):
        return area
    top, left = int(rows[0]), int(columns[0])
    side = int(max(rows[-1] - top, columns[-1] - left)) + 1
    top, left = min(top, len(u) - side), min(left, len(u) - side)
    cut = np.s_[max(top, 0) : top + side, max(left, 0) : left + side]
    own = np.random.default_rng(seed)
    du, dv = (u[cut] - defect.x) / defect.size, (v[cut] - defect.y) / defect.size
    cos, sin = np.float32(np.cos(defect.angle)), np.float32(np.sin(defect.angle))
    a, b = cos * du + sin * dv, cos * dv - sin * du
    noise = smooth_noise(own, side, 7)
    spot = Spot(a, b, np.hypot(a, b), noise, defect.size, own)
    part = Surface(surface.albedo[cut], surface.height[cut], surface.gloss[cut])
    area[cut] = DAMAGE[defect.kind](part, spot)
    return area
