"""Where photos are cut into tiles: InternVL's grid nearest to the photo's shape, Idefics3's whole tiles.

The arithmetic, floating point and its rounding included, is that of transformers 5.23, so that every photo is cut
where the workstation cuts it. Sizes are (height, width) in pixels.
"""

import math

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
Rgb = NDArray[np.uint8]
# Idefics3 makes no photo longer.
_LONGEST = 4096


def best_grid(photo: Size, tile: Size, least: int, most: int) -> Size:
    """(rows, columns) of `least` to `most` tiles whose shape is nearest to the photo's.

    Of equals the larger one, as long as the photo has more than half of its pixels
    (`get_optimal_tiled_canvas` of GOT-OCR2's image processor, which InternVL uses).
    """
    counts = range(1, most + 1)
    grids = [(columns, rows) for columns in counts for rows in counts if least <= columns * rows <= most]
    shape, area = photo[1] / photo[0], photo[0] * photo[1]
    nearest, best = float("inf"), (1, 1)
    for columns, rows in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        apart = abs(shape - columns / rows)
        more = apart == nearest and area > 0.5 * tile[0] * tile[1] * columns * rows
        if apart < nearest or more:
            nearest, best = apart, (columns, rows)
    return best[1], best[0]


def longest_size(photo: Size, longest: int) -> Size:
    """The photo with its longer edge at `longest`, the other one rounded up to an even number (Idefics3)."""
    height, width = photo
    shape = width / height
    if width >= height:
        width, height = longest, _even(int(longest / shape))
    else:
        height, width = longest, _even(int(longest * shape))
    height, width = max(height, 1), max(width, 1)
    shape = width / height
    if width >= height and width > _LONGEST:
        width, height = _LONGEST, int(_LONGEST / shape)
    elif height > width and height > _LONGEST:
        height, width = _LONGEST, int(_LONGEST * shape)
    return max(height, 1), max(width, 1)


def whole_tiles(photo: Size, tile: int) -> Size:
    """The photo with both edges at multiples of `tile`: its longer one first, the other by its shape."""
    height, width = photo
    shape = width / height
    if width >= height:
        width = _up(width, tile)
        return _up(int(width / shape), tile), width
    height = _up(height, tile)
    return height, _up(int(height * shape), tile)


def cut(picture: Rgb, tile: Size) -> list[Rgb]:
    """A picture (rows * height, columns * width, 3) as tiles, row by row."""
    rows, columns = range(0, picture.shape[0], tile[0]), range(0, picture.shape[1], tile[1])
    return [picture[top : top + tile[0], left : left + tile[1]] for top in rows for left in columns]


def squared(picture: Rgb, colour: list[int]) -> Rgb:
    """In the middle of a square of its longer edge, the rest in `colour`."""
    height, width = picture.shape[:2]
    side = max(height, width)
    square = np.empty((side, side, 3), np.uint8)
    square[:] = colour
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = picture
    return square


def _even(edge: int) -> int:
    return edge + edge % 2


def _up(edge: int, tile: int) -> int:
    return math.ceil(edge / tile) * tile
