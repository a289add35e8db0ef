"""How much the photo, rather than habit, supports what is said about it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def grounding(with_photo: NDArray[np.float32], without_photo: NDArray[np.float32], tokens: Sequence[int]) -> float:
    """Nats a token by which the photo makes a phrase more likely; 0 where it makes no difference.

        G(phrase) = 1/|T| * sum over t in T of [ log p(y_t | v, q, y_<t) - log p(y_t | v', q, y_<t) ]

    v: the photo; v': what stands for "without it"; q: the question; y: the description; T: `tokens`, those of the
    defect's and its place's words (the words between, "at the", follow from grammar under any photo).
    with_photo, without_photo: (k,) log-probabilities in nats of all tokens of y, the same words given in both.

    v' is the nearest past photo whose record names none of the claimed defects. It shows the same part in the same
    light, so only the defect itself is missing, and the model knows such photos; what it says of them anyway is
    habit. It is also what alignment has taught it to tell apart (the retrieved photo of RE-ALIGN, arXiv 2502.13146).
    A grey picture, which stands in where there is no such photo, is unlike anything the model has seen: it takes
    away the part and the light as well, and every true word about them would count as grounded
    (benchmarks/grounding.py compares the two).
    """
    if not tokens:
        return 0.0
    rows = list(tokens)
    return float(np.mean(with_photo[rows].astype(np.float64) - without_photo[rows].astype(np.float64)))


def confidence(logps: NDArray[np.float32], tokens: Sequence[int]) -> float:
    """Geometric mean of the probabilities of `tokens`, in [0, 1]; 0 where there are none."""
    return float(np.exp(logps[list(tokens)].mean(dtype=np.float64))) if tokens else 0.0
