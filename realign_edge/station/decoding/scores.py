"""Small arithmetic on logits and token sequences."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def logp(scores: Floats, ids: Sequence[int]) -> NDArray[np.float32]:
    """log softmax(scores)[i, ids[i]] for scores (k, vocabulary), summed in float64."""
    top = scores.max(axis=1, keepdims=True)
    norm = np.log(np.exp(scores - top).sum(axis=1, dtype=np.float64)) + top[:, 0]
    return np.asarray(scores[np.arange(len(ids)), list(ids)] - norm, np.float32)


def common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
