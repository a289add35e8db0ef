"""How a decoder's own rotary module turns its heads, as tables: found by asking it, whatever its kind and scaling."""

from typing import Any

import torch
from torch import Tensor

from realign_edge.export.graphs.decoder.unfit import UnfitError


@torch.no_grad()
def tables_of(rotary: Any, positions: int) -> tuple[Tensor, Tensor]:
    """(positions, rotated / 2) cosines and sines, as the model's own module gives them."""
    device = next(rotary.buffers()).device
    states = torch.zeros(1, 1, 1, device=device)
    try:
        short = [t[0] for t in rotary(states, torch.arange(8, device=device)[None])]
        cosine, sine = (t[0] for t in rotary(states, torch.arange(positions, device=device)[None]))
    except (TypeError, IndexError, RuntimeError, ValueError) as problem:
        raise UnfitError(f"positions that {type(rotary).__name__} takes otherwise") from problem
    half = cosine.shape[-1] // 2
    if cosine.ndim != 2 or not torch.equal(cosine[:, :half], cosine[:, half:]):
        raise UnfitError("positions that are not rotated by halves")
    if not (torch.equal(short[0], cosine[:8]) and torch.equal(short[1], sine[:8])):
        raise UnfitError("positions whose rotation depends on the text's length")
    return cosine[:, :half].float(), sine[:, :half].float()


@torch.no_grad()
def axes_of(rotary: Any, cosine: Tensor, axes: int) -> tuple[int, ...]:
    """Which axis turns each pair of a head's values, told by turning along one axis at a time.

    cosine: (positions, pairs) with the same position on all axes.
    """
    device = next(rotary.buffers()).device
    states, places = torch.zeros(1, 1, 1, device=device), torch.eye(axes, device=device, dtype=torch.int64)
    sine = rotary(states, places.unsqueeze(1))[1][0, :, : cosine.shape[1]]
    moved = sine != 0
    found = moved.int().argmax(0)
    probe = torch.randint(len(cosine), (axes, 1, 7), generator=torch.Generator().manual_seed(0))
    expected = rotary(states, probe.to(device))[0][0, :, : cosine.shape[1]].float()
    same = cosine.gather(0, probe[found.cpu(), 0].T.to(device))
    apart = bool((moved.sum(0) == 1).all()) and len(set(found.tolist())) == axes
    if not apart or not torch.equal(expected, same):
        raise UnfitError(f"positions that {type(rotary).__name__} mixes")
    return tuple(found.tolist())
