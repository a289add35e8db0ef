"""A photo's features between other tokens, and who of them attends to whom."""

from typing import Any

import numpy as np
import pytest

from realign_edge.errors import MissingError
from realign_edge.station.decoding.marks import BothWays, marks
from realign_edge.station.seeing.layout import read_layout

TILED = {"replaced": [7], "placeholder": 0, "between": {"1x2": [[1], [2, 3], [], [4]], "1x1": [[1], [4]]}}
FEATURES = np.arange(12, dtype=np.float32).reshape(6, 2) + 100


def embedded(ids: tuple[int, ...]) -> Any:
    return np.array([[[i, -i] for i in ids]], np.float32)


def test_tokens_stand_around_and_between_the_runs_of_features() -> None:
    placed = read_layout(TILED, 0).placed(FEATURES, (1, 2), embedded)
    assert placed.states[:, 0].tolist() == [1, 100, 102, 2, 3, 104, 106, 108, 110, 4]
    assert np.flatnonzero(~placed.places).tolist() == [0, 3, 4, 9]
    assert np.array_equal(placed.states[placed.places], FEATURES)


def test_a_bundle_that_says_nothing_has_features_alone() -> None:
    layout = read_layout({}, 5)
    placed = layout.placed(FEATURES, (3, 4), embedded)
    assert layout.token == 5
    assert np.array_equal(placed.states, FEATURES)
    assert placed.places.all()


def test_a_photo_that_the_bundle_does_not_know_is_refused() -> None:
    layout = read_layout(TILED, 0)
    with pytest.raises(MissingError, match="3 x 1 tiles"):
        layout.placed(FEATURES, (3, 1), embedded)
    with pytest.raises(MissingError, match="5 features do not fill 3 tiles"):
        layout.placed(FEATURES[:5], (1, 2), embedded)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"placeholder": 1}, "names no placeholder"),
        ({"between": {"*": [[1]]}}, "too few lists"),
        ({"between": {"*": [[1], ["a"]]}}, "token ids"),
        ({"replaced": [-1]}, "token ids"),
        ({"between": 3}, "lacks"),
        ({"placeholder": None}, "lacks"),
    ],
)
def test_a_layout_that_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_layout(TILED | change, 0)


@pytest.mark.parametrize(
    ("both_ways", "expected"),
    [
        ("nothing", [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        # Two runs of features are two blocks.
        ("photo", [1, 1, 2, 2, 1, 3, 3, 1, 1, 1]),
        ("prompt", [2, 2, 2, 2, 2, 2, 2, 2, 2, 1]),
    ],
)
def test_marks_say_who_attends_to_whom(both_ways: BothWays, expected: list[int]) -> None:
    places = np.array([False, True, True, False, True, True])
    assert marks(places, head=1, tail=2, begun=1, both_ways=both_ways).tolist() == expected
