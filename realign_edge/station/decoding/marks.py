"""Who attends to whom beyond what came before: values of `attention_mask`, in families whose photos look both ways.

1 is an ordinary token; tokens of one number above 1 attend to one another in both directions.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

BothWays = Literal["nothing", "photo", "prompt"]
Marks = NDArray[np.int64]


def marks(places: NDArray[np.bool_], head: int, tail: int, begun: int, both_ways: BothWays) -> Marks:
    """(head + len(places) + tail + begun,) of a prompt and the beginning of its answer.

    places: where features are among the photo's tokens; "photo": each run of them is a block; "prompt": all but the
    answer is one.
    """
    if both_ways == "prompt":
        return np.repeat(np.array([2, 1], np.int64), [head + len(places) + tail, begun])
    if both_ways == "nothing":
        return np.ones(head + len(places) + tail + begun, np.int64)
    starts = places & ~np.concatenate([[False], places[:-1]])
    blocks = np.where(places, 1 + np.cumsum(starts), 1)
    return np.concatenate([np.ones(head, np.int64), blocks, np.ones(tail + begun, np.int64)]).astype(np.int64)
