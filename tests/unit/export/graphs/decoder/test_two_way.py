"""The mask inside a traced graph is that with which the workstation reads its prompts."""

import pytest
import torch

from realign_edge.export.graphs.decoder.two_way import two_way_mask
from realign_edge.vlm.sight import block_mask

BLOCKS = torch.tensor([[0, 1, 1, 0, 2, 2, 2, 0]])


def test_a_whole_prompt_is_masked_as_on_the_workstation() -> None:
    wanted = block_mask(BLOCKS)
    assert wanted is not None
    assert torch.equal(two_way_mask(BLOCKS + 1, 8), wanted)


@pytest.mark.parametrize("past", [1, 4, 7])
def test_behind_a_past_only_the_new_rows_are_there(past: int) -> None:
    whole = two_way_mask(BLOCKS + 1, 8)
    assert torch.equal(two_way_mask(BLOCKS + 1, 8 - past), whole[:, :, past:])


def test_all_ones_are_causal_and_padding_is_seen_by_itself_alone() -> None:
    marks = torch.tensor([[1, 1, 1], [0, 1, 1]])
    causal = [[True, False, False], [True, True, False], [True, True, True]]
    padded = [[True, False, False], [False, True, False], [False, True, True]]
    assert two_way_mask(marks, 3)[:, 0].tolist() == [causal, padded]
