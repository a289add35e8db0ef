"""Part silhouettes and relief as functions of part coordinates (u, v), about [-1, 1] each, v downwards."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# (h, w) float32.
Grid = NDArray[Any]
# (distance inside the outline, relief height), both in part units.
Shape = tuple[Grid, Grid]


def _box(u: Grid, v: Grid, half_u: float, half_v: float, cu: float = 0.0, cv: float = 0.0) -> Grid:
    return np.asarray(np.minimum(half_u - np.abs(u - cu), half_v - np.abs(v - cv)))


def _disc(u: Grid, v: Grid, radius: float, cu: float = 0.0, cv: float = 0.0) -> Grid:
    return np.asarray(radius - np.hypot(u - cu, v - cv), np.float32)


def _step(x: Grid, width: float) -> Grid:
    """0 below 0, 1 above `width`, smooth between."""
    t = np.clip(x / width, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _bevelled(d: Grid, height: float = 0.12, bevel: float = 0.06) -> Shape:
    return d, np.asarray(height * _step(d, bevel), np.float32)


def washer(u: Grid, v: Grid) -> Shape:
    """A flat ring."""
    return _bevelled(np.minimum(_disc(u, v, 0.95), -_disc(u, v, 0.36)))


def hex_nut(u: Grid, v: Grid) -> Shape:
    """A hexagon with a bore and a turned top face."""
    au, av = np.abs(u), np.abs(v)
    hexagon = 0.84 - np.maximum(au, au * 0.5 + av * 0.8660254)
    d = np.minimum(hexagon, -_disc(u, v, 0.36)).astype(np.float32)
    r = np.hypot(u, v)
    height = 0.16 * _step(d, 0.05) - 0.09 * _step(r - 0.78, 0.14) - 0.06 * _step(0.46 - r, 0.08)
    return d, height.astype(np.float32)


def gear(u: Grid, v: Grid) -> Shape:
    """A spur gear with eleven teeth, a recessed web and a bore."""
    r, angle = np.hypot(u, v), np.arctan2(v, u)
    teeth = np.clip(2.2 * np.sin(11 * angle), -1, 1)
    d = np.minimum(0.83 + 0.11 * teeth - r, r - 0.17).astype(np.float32)
    height = 0.15 * _step(d, 0.05) - 0.05 * _step(r - 0.3, 0.04) * _step(0.66 - r, 0.04)
    return d, height.astype(np.float32)


def flange(u: Grid, v: Grid) -> Shape:
    """A disc with a raised hub, a bore and six bolt holes."""
    r, angle = np.hypot(u, v), np.arctan2(v, u)
    sector = np.mod(angle + np.pi / 6, np.pi / 3) - np.pi / 6
    bolts = np.hypot(r * np.cos(sector) - 0.77, r * np.sin(sector)) - 0.085
    d = np.minimum(np.minimum(0.95 - r, r - 0.24), bolts).astype(np.float32)
    height = 0.1 * _step(d, 0.05) + 0.12 * _step(0.52 - r, 0.06)
    return d, height.astype(np.float32)


def bracket(u: Grid, v: Grid) -> Shape:
    """An L with one hole in each leg."""
    legs = np.maximum(_box(u, v, 0.3, 0.8, -0.5, 0.0), _box(u, v, 0.8, 0.3, 0.0, 0.5))
    holes = np.minimum(-_disc(u, v, 0.11, -0.5, -0.57), -_disc(u, v, 0.11, 0.57, 0.5))
    d, height = _bevelled(np.minimum(legs, holes), 0.1)
    rib = 0.06 * _step(0.09 - np.abs(u + 0.5), 0.04) * _step(0.25 - v, 0.05) * _step(v + 0.35, 0.05)
    return d, (height + rib * (d > 0.05)).astype(np.float32)


def plate(u: Grid, v: Grid) -> Shape:
    """A rectangle with rounded corners and four corner holes."""
    d = _box(u, v, 0.95, 0.66)
    corner = 0.14 - np.hypot(np.maximum(np.abs(u) - 0.81, 0), np.maximum(np.abs(v) - 0.52, 0))
    holes = np.hypot(np.abs(u) - 0.78, np.abs(v) - 0.49) - 0.075
    return _bevelled(np.minimum(np.minimum(d, np.where(corner < 0.14, corner, d)), holes), 0.08, 0.04)


def bearing(u: Grid, v: Grid) -> Shape:
    """Inner and outer ring with balls between them."""
    r, angle = np.hypot(u, v), np.arctan2(v, u)
    d = np.minimum(0.95 - r, r - 0.3).astype(np.float32)
    groove = _step(0.15 - np.abs(r - 0.62), 0.04)
    sector = np.mod(angle, np.pi / 5) - np.pi / 10
    ball = np.hypot(r * np.cos(sector) - 0.62, r * np.sin(sector))
    dome = np.sqrt(np.clip(0.13**2 - ball**2, 0, None)) * 1.4
    return d, (0.14 * _step(d, 0.05) - 0.1 * groove + dome).astype(np.float32)


def shaft(u: Grid, v: Grid) -> Shape:
    """A turned cylinder with a collar and a keyway, lying flat."""
    half = np.where(np.abs(u + 0.25) < 0.14, 0.36, 0.26).astype(np.float32)
    d = np.minimum(0.97 - np.abs(u), half - np.abs(v)).astype(np.float32)
    height = 0.9 * np.sqrt(np.clip(half**2 - v**2, 0, None)) * _step(d, 0.02)
    keyway = 0.1 * _step(_box(u, v, 0.2, 0.05, 0.62, 0.0), 0.02)
    return d, (height - keyway).astype(np.float32)


def heat_sink(u: Grid, v: Grid) -> Shape:
    """A square block with parallel fins."""
    d, height = _bevelled(_box(u, v, 0.84, 0.84), 0.06, 0.03)
    fins = 0.1 * _step(0.35 + np.sin(u * 2 * np.pi * 4.5).astype(np.float32), 0.3)
    return d, (height + fins * _step(d, 0.05)).astype(np.float32)


def handwheel(u: Grid, v: Grid) -> Shape:
    """A rim, a hub and four spokes."""
    r = np.hypot(u, v)
    rim = 0.15 - np.abs(r - 0.8)
    spokes = np.minimum(np.maximum(0.12 - np.abs(u), 0.12 - np.abs(v)), 0.85 - r)
    d = np.maximum(np.maximum(rim, spokes), np.minimum(0.3 - r, r - 0.08)).astype(np.float32)
    return d, (0.7 * np.sqrt(np.clip(d, 0, 0.16) * 0.16)).astype(np.float32)


SHAPES: dict[str, Callable[[Grid, Grid], Shape]] = {
    "washer": washer,
    "hex nut": hex_nut,
    "gear": gear,
    "flange": flange,
    "bracket": bracket,
    "plate": plate,
    "bearing": bearing,
    "shaft": shaft,
    "heat sink": heat_sink,
    "handwheel": handwheel,
}
