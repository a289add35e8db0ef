"""What stands around and between the features of a photo in a prompt: `layout` of station.json.

`replaced`: the token ids of an unexpanded prompt whose place the photo takes, `placeholder`: which of them is the
photo's own. `between`: by rows and columns of tiles ("2x3"), or "*" for every photo, lists of token ids: before the
first run of features, between runs, and behind the last one. All runs are of one length.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realign_edge.errors import MissingError

Floats = NDArray[np.float32]
ANY = "*"


@dataclass(frozen=True, eq=False)
class Placed:
    """A photo as it stands in a prompt. states: (n, hidden) for the decoder; places: (n,) True where features are."""

    states: Floats
    places: NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """See above. between: each at least two lists long."""

    replaced: tuple[int, ...]
    placeholder: int
    between: Mapping[str, tuple[tuple[int, ...], ...]]

    @property
    def token(self) -> int:
        """The id of the placeholder."""
        return self.replaced[self.placeholder]

    def around(self, cut: tuple[int, int]) -> tuple[tuple[int, ...], ...]:
        """Token ids around the runs of features of a photo of so many rows and columns of tiles.

        Raises:
            MissingError: the bundle knows no photo that is cut so.
        """
        found = self.between.get(ANY) or self.between.get(key_of(cut))
        if found is None:
            raise MissingError(
                f"the bundle does not say how a photo of {cut[0]} x {cut[1]} tiles stands in a prompt",
                "export the bundle again",
            )
        return found

    def placed(self, features: Floats, cut: tuple[int, int], embedded: Callable[[tuple[int, ...]], Floats]) -> Placed:
        """features: (n, hidden); embedded: token ids to embeddings (1, length, hidden).

        Raises:
            MissingError: the bundle knows no such photo, or the features do not fill its runs.
        """
        around = self.around(cut)
        runs = len(around) - 1
        if len(features) % runs:
            raise MissingError(f"{len(features)} features do not fill {runs} tiles evenly", "export the bundle again")
        if not any(around):
            return Placed(features, np.ones(len(features), np.bool_))
        tokens = [embedded(ids)[0] if ids else features[:0] for ids in around]
        parts = [part for pair in zip(tokens, np.split(features, runs), strict=False) for part in pair] + [tokens[-1]]
        places = np.concatenate([np.full(len(part), number % 2 == 1) for number, part in enumerate(parts)])
        return Placed(np.concatenate(parts), places)


def key_of(cut: tuple[int, int]) -> str:
    """Rows and columns as `between` names them."""
    return f"{cut[0]}x{cut[1]}"


def plain_layout(token: int) -> Layout:
    """Of a family that puts features where the placeholder was, and nothing else."""
    return Layout((token,), 0, {ANY: ((), ())})


def read_layout(table: Mapping[str, Any], token: int) -> Layout:
    """From station.json; token: the placeholder of a bundle that says nothing.

    Raises:
        ValueError: it makes no sense.
    """
    if not table:
        return plain_layout(token)
    try:
        between = {str(k): tuple(map(_ids, lists)) for k, lists in table["between"].items()}
        layout = Layout(_ids(table["replaced"]), int(table["placeholder"]), between)
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"`layout` lacks {problem}") from problem
    if not 0 <= layout.placeholder < len(layout.replaced) or any(len(lists) < 2 for lists in between.values()):
        raise ValueError("`layout` names no placeholder, or too few lists of tokens")
    return layout


def _ids(values: Sequence[Any]) -> tuple[int, ...]:
    if not isinstance(values, list | tuple) or not all(type(v) is int and v >= 0 for v in values):
        raise ValueError("`layout` must hold lists of token ids")
    return tuple(values)
