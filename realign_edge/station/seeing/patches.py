"""What a tower that reads patches must know of a photo's grid, worked out in numpy, exactly as transformers does.

A grid is (rows, columns) of patches. Patches stand in blocks of `merge` x `merge`, block after block, since the tower
makes one token of each block (transformers' vision_utils.py, 5.23).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Grid = tuple[int, int]
# Bounds on numbers of station.json, far beyond every known model.
_MOST = {"patch": 256, "merge": 16, "frames": 16, "window": 256, "side": 1024}
_LEAST = {"window": 0, "side": 0}


def grid_inputs(frames: Sequence[int], table: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The vision graph's inputs beside the pixels, none where there is no grid.

    frames: (1, rows, columns), or () where a photo is no patches; table: `preprocess` of station.json, of which
    window: side of a window in tokens, 0 where every patch attends to all; side: of the square of learned positions, 0
    where there are none.
    """
    if not frames:
        return {}
    grid = (frames[1], frames[2])
    merge, window, side = (int(table.get(k, 0)) for k in ("merge", "window", "side"))
    found: dict[str, NDArray[Any]] = {"position_ids": places(grid, merge)}
    if window:
        found |= dict(zip(("window_slots", "window_mask", "window_places"), windows(grid, merge, window), strict=True))
    if side:
        found |= dict(zip(("interp_indices", "interp_weights"), interpolated(grid, merge, side), strict=True))
    return found


def tokens_of(frames: Sequence[int], table: Mapping[str, Any]) -> Grid:
    """Rows and columns of the tokens that the tower makes; (0, 0) where there is no grid."""
    return (frames[1] // int(table["merge"]), frames[2] // int(table["merge"])) if frames else (0, 0)


def places(grid: Grid, merge: int) -> Ints:
    """Row and column of each patch, (patches, 2)."""
    rows, columns = np.indices(grid)
    return np.stack([_by_block(rows, merge), _by_block(columns, merge)], axis=-1)


def _by_block(values: Ints, merge: int) -> Ints:
    """(rows, columns) in the order in which patches stand, (patches,)."""
    rows, columns = values.shape
    apart = values.reshape(rows // merge, merge, columns // merge, merge)
    return np.ascontiguousarray(apart.transpose(0, 2, 1, 3).reshape(-1), np.int64)


def windows(grid: Grid, merge: int, window: int) -> tuple[Ints, NDArray[np.int32], Ints]:
    """Which patches attend to one another, where a tower looks through windows of `window` x `window` tokens.

    Returns slots (windows, most) numbers of patches; mask (windows, most), 0 where the window at an edge of the photo
    has no patch; where each patch is in the flattened slots, (patches,).
    """
    rows, columns = (n // merge for n in grid)
    tall, wide = (-(-n // window) for n in (rows, columns))
    tokens = np.full((tall * window, wide * window), -1, np.int64)
    tokens[:rows, :columns] = np.arange(rows * columns).reshape(rows, columns)
    apart = tokens.reshape(tall, window, wide, window).transpose(0, 2, 1, 3).reshape(tall * wide, -1, 1)
    slots = (apart * merge**2 + np.arange(merge**2)).reshape(tall * wide, -1)
    there = slots >= 0
    back = np.empty(grid[0] * grid[1], np.int64)
    back[slots[there]] = np.flatnonzero(there)
    return np.where(there, slots, 0), there.astype(np.int32), back


def interpolated(grid: Grid, merge: int, side: int) -> tuple[Ints, NDArray[np.float32]]:
    """Four of the `side` x `side` learned positions for each patch, (patches, 4), and the share of each, (patches, 4).

    Bilinear, corners on corners, as `get_vision_interpolation_indices_and_weights`.
    """
    at = places(grid, merge)
    (high, tall), (across, wide) = (_taps(at[:, axis], grid[axis], side) for axis in (0, 1))
    indices = high[:, :, None] * side + across[:, None, :]
    weights = tall[:, :, None] * wide[:, None, :]
    return indices.reshape(-1, 4), np.ascontiguousarray(weights.reshape(-1, 4), np.float32)


def _taps(index: Ints, size: int, side: int) -> tuple[Ints, NDArray[np.float32]]:
    """The two neighbours on one axis and their shares, each (patches, 2); float32 at every step, as torch computes."""
    source = index.astype(np.float32) * np.float32(side - 1) / np.float32(max(size - 1, 1))
    floor = np.floor(source)
    offsets = np.arange(2)
    taps = np.clip(floor.astype(np.int64)[:, None] + offsets, 0, side - 1)
    distance = np.abs(source[:, None] - floor[:, None] - offsets.astype(np.float32))
    return taps, np.maximum(np.float32(1) - distance, np.float32(0))


def table_problems(table: Mapping[str, Any]) -> list[str]:
    """What makes no sense in a `preprocess` of the kind "patches"."""
    found = [
        f"`preprocess.{name}` must be a whole number from {_LEAST.get(name, 1)} to {most}"
        for name, most in _MOST.items()
        if not _within(table.get(name, 0 if name in _LEAST else None), _LEAST.get(name, 1), most)
    ]
    least, most = table.get("least"), table.get("most")
    if not (_within(least, 1, 2**31) and _within(most, 1, 2**31) and least <= most):  # type: ignore[operator]
        found.append(
            "`preprocess.least` and `preprocess.most` must be numbers of pixels, the first not above the second"
        )
    return found


def _within(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
