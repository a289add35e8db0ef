"""What a decoder is told of a photo besides its features: positions on three axes, and what later layers add.

Positions are those of `get_rope_index` of Qwen2-VL and later (transformers 5.23) for a prompt with one photo: a photo's
tokens have one for time, row and column, a text's the same on all three.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Around:
    """A prompt: `head` tokens, then a photo of `count`, then text; grid: rows and columns of the photo's tokens.

    deep: (layers, count, hidden), added to the photo's tokens behind the first layers; None where nothing is.
    """

    head: int
    count: int
    grid: tuple[int, int] = (0, 0)
    deep: Floats | None = None

    def positions(self, start: int, end: int) -> NDArray[np.int64]:
        """Of tokens start to end (without it), (3, 1, end - start).

        The text behind a photo goes on behind its longer side, so that a large photo does not move it far away.
        """
        number = np.arange(start, end, dtype=np.int64)
        inside = number - self.head
        behind, wide = inside >= self.count, max(self.grid[1], 1)
        text = np.where(behind, number - self.count + max(self.grid), number)
        photo = (inside >= 0) & ~behind
        axes = (0, inside // wide, inside % wide)
        return np.stack([np.where(photo, self.head + axis, text) for axis in axes])[:, None]

    def deep_states(self, start: int, end: int) -> Floats:
        """What is added to tokens start to end, (layers, 1, end - start, hidden): zeros where there is no photo."""
        assert self.deep is not None
        layers, count, hidden = self.deep.shape
        found = np.zeros((layers, 1, end - start, hidden), np.float32)
        first, last = max(start, self.head), min(end, self.head + count)
        if first < last:
            found[:, 0, first - start : last - start] = self.deep[:, first - self.head : last - self.head]
        return found
