"""From a decoded photo to what the vision graph takes, bit for bit as the workstation's processor makes it.

How is data: `preprocess` of station.json. `kind` is one of KINDS, the other keys are its numbers. Every kind has
`resample` (Pillow's filter number), `scale` (float), and `mean` and `std` (of the three channels).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from realign_edge.photos.regular import Refusal
from realign_edge.station.seeing.cuts import best_grid, cut, longest_size, squared, whole_tiles
from realign_edge.station.seeing.tiles import best_resolution, fitted_size, tiles_of

Rgb = NDArray[np.uint8]
# Pillow refuses larger pictures by itself; a photo of 8 x 10,000,000 pixels would become one on the way.
_MOST_PIXELS = 178_000_000


@dataclass(frozen=True)
class Pixels:
    """values: (n, 3, H, W) float32, or (patches, dim) for the kind "patches"; size: (height, width) of the photo.

    grid: (1, rows, columns) of patches where `values` are patches, else (); cut: rows and columns of tiles.
    """

    values: NDArray[np.float32]
    size: tuple[int, int]
    grid: tuple[int, ...] = ()
    cut: tuple[int, int] = (1, 1)


def pixels(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """Preprocess rgb (H, W, 3) uint8 as `table` says.

    Raises:
        Refusal: the photo is so long and narrow that it cannot be made as large as the model wants it.
    """
    return KINDS[table["kind"]](rgb, table)


def _crop(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """Shortest edge to `shortest_edge`, then the middle `crop` = [height, width] (CLIP, LLaVA)."""
    height, width = rgb.shape[:2]
    short, long = min(height, width), max(height, width)
    edge = int(table["shortest_edge"])
    longer = int(edge * long / short)
    new = (edge, longer) if height <= width else (longer, edge)
    values = _normalised(_middle(_resized(rgb, new, table), *table["crop"]), table)
    return Pixels(values[None], (height, width))


def _pad_crop(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """First padded to a square with the mean colour, which keeps all of the photo (LLaVA with do_pad)."""
    height, width = rgb.shape[:2]
    side = max(height, width)
    if side * side > _MOST_PIXELS:
        raise _too_narrow(height, width)
    return Pixels(_crop(squared(rgb, _background(table)), table).values, (height, width))


def _resize(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """To `size` = [height, width], whatever the photo's shape (SigLIP)."""
    height, width = table["size"]
    return Pixels(_normalised(_resized(rgb, (height, width), table), table)[None], (rgb.shape[0], rgb.shape[1]))


def _tiles(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """An overview, then tiles of `tile` pixels from the best of `resolutions` (LLaVA-NeXT)."""
    height, width = rgb.shape[:2]
    target = best_resolution((height, width), table["resolutions"])
    fitted = _resized(rgb, fitted_size((height, width), target), table)
    overview = _resized(rgb, tuple(table["size"]), table)
    pictures = [overview, *tiles_of(fitted, target, int(table["tile"]))]
    return Pixels(np.stack([_normalised(p, table) for p in pictures]), (height, width))


def _canvas(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """Tiles of `size`, `least` to `most` of them in the photo's shape, then an overview of several (InternVL)."""
    photo, tile = _size(rgb), tuple(table["size"])
    rows, columns = best_grid(photo, tile, int(table["least"]), int(table["most"]))
    pictures = cut(_resized(rgb, (rows * tile[0], columns * tile[1]), table), tile)
    if len(pictures) > 1:
        pictures.append(_resized(rgb, tile, table))
    return Pixels(np.stack([_normalised(p, table) for p in pictures]), photo, cut=(rows, columns))


def _split(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """To the longest edge, on to whole tiles of `tile` pixels, then an overview of several (Idefics3, SmolVLM)."""
    photo, tile = _size(rgb), int(table["tile"])
    fitted = _resized(rgb, longest_size(photo, int(table["longest_edge"])), table)
    whole = _resized(fitted, whole_tiles(_size(fitted), tile) if table["split"] else (tile, tile), table)
    rows, columns = whole.shape[0] // tile, whole.shape[1] // tile
    pictures = cut(whole, (tile, tile))
    if len(pictures) > 1:
        pictures.append(_resized(whole, (tile, tile), table))
    return Pixels(np.stack([_normalised(p, table) for p in pictures]), photo, cut=(rows, columns))


def _fit(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """Its longer edge to `edge`, the other to `shortest` at least, then padded to a square (Janus)."""
    photo, edge = _size(rgb), int(table["edge"])
    by = edge / max(photo)
    height, width = (max(round(n * by), int(table["shortest"])) for n in photo)
    square = squared(_resized(rgb, (height, width), table), _background(table))
    return Pixels(_normalised(square, table)[None], photo)


def _patches(rgb: Rgb, table: Mapping[str, Any]) -> Pixels:
    """Flat patches of a photo in (nearly) its own shape, its area within [least, most] pixels (Qwen2-VL and later)."""
    patch, merge, frames = (int(table[k]) for k in ("patch", "merge", "frames"))
    height, width = rgb.shape[:2]
    new = smart_size(height, width, patch * merge, int(table["least"]), int(table["most"]))
    values = _normalised(_resized(rgb, new, table), table)
    rows, columns = new[0] // patch, new[1] // patch
    split = values.reshape(3, rows // merge, merge, patch, columns // merge, merge, patch)
    ordered = split.transpose(1, 4, 2, 5, 0, 3, 6)[:, :, :, :, :, None]
    repeated = np.broadcast_to(ordered, (*ordered.shape[:5], frames, patch, patch))
    flat = repeated.reshape(rows * columns, 3 * frames * patch * patch)
    return Pixels(np.ascontiguousarray(flat), (height, width), (1, rows, columns))


def smart_size(height: int, width: int, factor: int, least: int, most: int) -> tuple[int, int]:
    """Height and width as multiples of `factor`, their product within [least, most] (Qwen2-VL's smart_resize).

    Raises:
        Refusal: one side is more than 200 times the other, which the model was not made for.
    """
    if max(height, width) > 200 * min(height, width):
        raise _too_narrow(height, width)
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if rows * columns > most:
        by = math.sqrt((height * width) / most)
        return tuple(max(factor, math.floor(n / by / factor) * factor) for n in (height, width))  # type: ignore[return-value]
    if rows * columns < least:
        by = math.sqrt(least / (height * width))
        return tuple(math.ceil(n * by / factor) * factor for n in (height, width))  # type: ignore[return-value]
    return rows, columns


def _resized(rgb: Rgb, new: tuple[int, int], table: Mapping[str, Any]) -> Rgb:
    """To (height, width), by Pillow as the workstation does it."""
    if new[0] * new[1] > _MOST_PIXELS:
        raise _too_narrow(rgb.shape[0], rgb.shape[1])
    image = Image.fromarray(rgb).resize((new[1], new[0]), resample=Image.Resampling(int(table["resample"])))
    return np.asarray(image)


def _size(rgb: Rgb) -> tuple[int, int]:
    return rgb.shape[0], rgb.shape[1]


def _background(table: Mapping[str, Any]) -> list[int]:
    """The mean colour."""
    return [int(m * 255) for m in table["mean"]]


def _middle(rgb: Rgb, height: int, width: int) -> Rgb:
    """The middle of a picture that is at least as large."""
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]


def _normalised(rgb: Rgb, table: Mapping[str, Any]) -> NDArray[np.float32]:
    """(3, H, W) float32: a byte has 256 values, and so every channel a table of what they become."""
    levels = _levels(table["scale"], tuple(table["mean"]), tuple(table["std"]))
    found = np.empty((3, *rgb.shape[:2]), np.float32)
    for channel in range(3):
        np.take(levels[channel], rgb[:, :, channel], out=found[channel], mode="clip")
    return found


@lru_cache(maxsize=4)
def _levels(scale: float, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    """(3, 256) float32. Scaled in float64 and rounded once, as transformers does: float32 gives other last bits."""
    scaled = (np.arange(256, dtype=np.float64) * scale).astype(np.float32)
    middle, spread = np.asarray(mean, np.float32)[:, None], np.asarray(std, np.float32)[:, None]
    return np.asarray((scaled - middle) / spread, np.float32)


def _too_narrow(height: int, width: int) -> Refusal:
    return Refusal(f"{width} x {height} pixels are too long and narrow for this model; cut the part out of it")


KINDS: Mapping[str, Callable[[Rgb, Mapping[str, Any]], Pixels]] = {
    "crop": _crop, "pad_crop": _pad_crop, "resize": _resize, "tiles": _tiles, "patches": _patches,
    "canvas": _canvas, "split": _split, "fit": _fit,
}  # fmt: skip
