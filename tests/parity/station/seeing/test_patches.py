"""What a photo's grid says, by numpy, against transformers' own functions: equal to the last bit."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from realign_edge.station.decoding.around import Around
from realign_edge.station.seeing.patches import grid_inputs, interpolated, places, table_problems, windows

# Rows and columns of tokens: smaller than a window, whole windows, and ragged ones.
GRIDS = [
    (2, 2), (1, 1), (4, 4), (8, 4), (5, 9), (1, 13), (22, 6), (7, 8),
    *map(tuple, np.random.default_rng(3).integers(1, 30, (12, 2)).tolist()),
]  # fmt: skip
MERGE = 2


def patches(grid: Any) -> tuple[int, int]:
    return int(grid[0]) * MERGE, int(grid[1]) * MERGE


def thw(grid: Any) -> torch.Tensor:
    return torch.tensor([[1, *patches(grid)]])


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_places_are_transformers(grid: Any) -> None:
    from transformers.vision_utils import get_vision_position_ids

    assert np.array_equal(places(patches(grid), MERGE), get_vision_position_ids(thw(grid), MERGE).numpy())


@pytest.mark.parametrize("window", [2, 4])
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_windows_hold_the_patches_of_transformers_windows(grid: Any, window: int) -> None:
    from transformers.vision_utils import get_vision_window_index

    index, ends = get_vision_window_index(thw(grid), MERGE, window * MERGE * 14, 14)
    ordered = (index[:, None] * MERGE**2 + torch.arange(MERGE**2)).flatten().numpy()
    expected = [ordered[a:b].tolist() for a, b in pairwise(ends)]
    slots, mask, back = windows(patches(grid), MERGE, window)
    assert [row[there > 0].tolist() for row, there in zip(slots, mask, strict=True)] == expected
    assert np.array_equal(slots.reshape(-1)[back], np.arange(len(back)))


@pytest.mark.parametrize("side", [8, 48])
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_learned_positions_are_shared_as_by_transformers(grid: Any, side: int) -> None:
    from transformers.vision_utils import get_vision_interpolation_indices_and_weights

    theirs = get_vision_interpolation_indices_and_weights(thw(grid), side, align_corners=True, spatial_merge_size=MERGE)
    ours: Any
    for ours, expected in zip(interpolated(patches(grid), MERGE, side), theirs, strict=True):
        assert ours.dtype == expected.numpy().dtype
        assert np.array_equal(ours, expected.numpy())


def test_a_tower_is_told_only_what_it_asks_for() -> None:
    table = {"merge": 2, "window": 0, "side": 0}
    assert {*grid_inputs((1, 4, 6), table)} == {"position_ids"}
    assert not grid_inputs((), {})
    assert "window_mask" in grid_inputs((1, 4, 6), table | {"window": 2})
    assert "interp_weights" in grid_inputs((1, 4, 6), table | {"side": 8})


def model_of(name: str) -> Any:
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLModel
    from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

    kind: Any = {"qwen2_vl": Qwen2VLModel, "qwen3_vl": Qwen3VLModel}[name]
    model: Any = object.__new__(kind)
    tower = SimpleNamespace(spatial_merge_size=MERGE, tokens_per_second=2)
    model.__dict__["config"] = SimpleNamespace(vision_config=tower)
    return model


@pytest.mark.parametrize("name", ["qwen2_vl", "qwen3_vl"])
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_positions_are_those_of_the_rope_index(grid: Any, name: str) -> None:
    head, count, tail = 11, int(grid[0]) * int(grid[1]), 23
    kinds = torch.tensor([[0] * head + [1] * count + [0] * tail])
    expected, _ = model_of(name).get_rope_index(
        torch.ones_like(kinds), mm_token_type_ids=kinds, image_grid_thw=thw(grid)
    )
    around = Around(head, count, (int(grid[0]), int(grid[1])))
    assert np.array_equal(around.positions(0, head + count + tail), expected.numpy())
    # In parts, as they are read.
    ends = [0, head, head + count + 5, head + count + 6, head + count + tail]
    parts = [around.positions(a, b) for a, b in pairwise(ends)]
    assert np.array_equal(np.concatenate(parts, axis=2), expected.numpy())


def test_only_a_photos_tokens_are_added_to() -> None:
    deep = np.arange(2 * 6 * 3, dtype=np.float32).reshape(2, 6, 3) + 1
    around = Around(4, 6, (2, 3), deep)
    whole = around.deep_states(0, 13)
    assert np.array_equal(whole[:, 0, 4:10], deep)
    assert not whole[:, :, :4].any() and not whole[:, :, 10:].any()
    assert np.array_equal(around.deep_states(7, 12), whole[:, :, 7:12])
    assert not around.deep_states(10, 11).any()


GOOD = {"patch": 14, "merge": 2, "frames": 2, "least": 3136, "most": 50176, "window": 4, "side": 0}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"merge": 0}, "merge"), ({"patch": 14.0}, "patch"), ({"frames": True}, "frames"), ({"window": -1}, "window"),
        ({"side": 10**6}, "side"), ({"least": 60000}, "least"), ({"most": None}, "most"),
    ],
)  # fmt: skip
def test_a_table_that_makes_no_sense_is_named(change: dict[str, Any], named: str) -> None:
    assert not table_problems(GOOD)
    assert any(named in problem for problem in table_problems(GOOD | change))
