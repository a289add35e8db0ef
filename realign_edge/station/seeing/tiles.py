"""LLaVA-NeXT's and LLaVA-OneVision's tiles: at which resolution a photo is cut, and how their features are packed."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# LLaVA-OneVision lets a picture be so much larger than its limit.
_TOO_LARGE = 1.1
# (height, width)
Size = tuple[int, int]


def best_resolution(photo: Size, resolutions: Sequence[Sequence[int]]) -> Size:
    """The resolution that keeps most of the photo's pixels and, among equals, wastes least."""

    def worth(resolution: Sequence[int]) -> tuple[int, int]:
        height, width = resolution
        scale = min(width / photo[1], height / photo[0])
        kept = min(int(photo[1] * scale) * int(photo[0] * scale), photo[0] * photo[1])
        return kept, kept - height * width

    # max() takes the first of equals, as transformers does.
    height, width = max(resolutions, key=worth)
    return height, width


def fitted_size(photo: Size, target: Size) -> Size:
    """The photo's size when it just fits into `target`; the other edge is rounded up."""
    by_width, by_height = target[1] / photo[1], target[0] / photo[0]
    if by_width < by_height:
        return min(math.ceil(photo[0] * by_width), target[0]), target[1]
    return target[0], min(math.ceil(photo[1] * by_height), target[1])


def tiles_of(fitted: NDArray[np.uint8], target: Size, tile: int) -> list[NDArray[np.uint8]]:
    """The fitted photo (h, w, 3) in the middle of black, cut into square tiles, row by row."""
    height, width = fitted.shape[:2]
    top, left = (target[0] - height) // 2, (target[1] - width) // 2
    padded = np.zeros((*target, 3), np.uint8)
    padded[top : top + height, left : left + width] = fitted
    corners = [(y, x) for y in range(0, target[0], tile) for x in range(0, target[1], tile)]
    return [padded[y : y + tile, x : x + tile] for y, x in corners]


def packed(
    features: NDArray[np.float32], photo: Size, target: Size, tile: int, newline: NDArray[np.float32], most: int = 0
) -> NDArray[np.float32]:
    """Overview, then the tiles as one picture without its padding, each of its lines ended by `newline`.

    features: (1 + tiles, side * side, hidden); newline: (hidden,); most: a picture of more than so many tiles' features
    is scaled down to them, 0 = never. Returns (n, hidden).
    As `pack_image_features` and `unpad_image` of LLaVA-NeXT and LLaVA-OneVision in transformers 5.23.
    """
    side, hidden = math.isqrt(features.shape[1]), features.shape[2]
    rows, columns = target[0] // tile, target[1] // tile
    grid = features[1:].reshape(rows, columns, side, side, hidden).transpose(0, 2, 1, 3, 4)
    picture = _unpadded(grid.reshape(rows * side, columns * side, hidden), photo)
    if most and (ratio := math.sqrt(picture.shape[0] * picture.shape[1] / (most * side**2))) > _TOO_LARGE:
        picture = scaled(picture, int(picture.shape[0] // ratio), int(picture.shape[1] // ratio))
    ends = np.broadcast_to(newline, (len(picture), 1, hidden))
    lines = np.concatenate([picture, ends], axis=1).reshape(-1, hidden)
    return np.concatenate([features[0], lines])


def scaled(picture: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """(height, width, hidden) of a picture of features: bilinear, pixels as areas (torch's `interpolate`)."""
    for axis, size in ((0, height), (1, width)):
        before = picture.shape[axis]
        at = np.maximum((np.arange(size, dtype=np.float32) + 0.5) * np.float32(before / size) - 0.5, 0)
        first = at.astype(np.int64)
        share = (at - first).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1)).astype(np.float32)
        second = np.minimum(first + 1, before - 1)
        picture = picture.take(first, axis) * (1 - share) + picture.take(second, axis) * share
    return picture


def _unpadded(picture: NDArray[np.float32], photo: Size) -> NDArray[np.float32]:
    height, width = picture.shape[:2]
    if photo[1] / photo[0] > width / height:
        pad = (height - int(round(photo[0] * (width / photo[1]), 7))) // 2
        return picture[pad : height - pad]
    pad = (width - int(round(photo[1] * (height / photo[0]), 7))) // 2
    return picture[:, pad : width - pad]
