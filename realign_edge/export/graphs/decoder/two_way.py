"""The mask of a decoder whose photos attend in both directions, computed inside the graph from `attention_mask`.

So the graph keeps its inputs: 0 is padding, 1 an ordinary token, and tokens of one number above 1 attend to one
another (realign_edge/station/decoding/marks.py). All ones are a causal decoder.
"""

import torch
from torch import Tensor


def two_way_mask(marks: Tensor, length: int) -> Tensor:
    """(batch, 1, length, total) True = may attend; marks: (batch, total), of past and the last `length` tokens."""
    total = marks.shape[1]
    columns = torch.arange(total, device=marks.device)
    rows = torch.arange(length, device=marks.device) + (total - length)
    own = marks[:, total - length :].unsqueeze(2)
    together = (own == marks.unsqueeze(1)) & (own > 1)
    # A padded token sees itself: a row that sees nothing would be NaN.
    sees = ((columns <= rows.unsqueeze(1)) | together) & (marks > 0).unsqueeze(1)
    return (sees | (columns == rows.unsqueeze(1))).unsqueeze(1)
