"""The aligned model as one: the adapter merged into the unquantised base, and what that changed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from realign_edge.alignment.lora import load_adapter
from realign_edge.errors import RealignError
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.prompts import read_prompts

# Between two orders of the same float32 sums: products with W + BA against W and BA apart. Measured: 2.8e-5.
_SAME = 1e-3


@dataclass(frozen=True)
class Aligned:
    """vlm: float32, on the CPU, without adapter layers; merge_difference: of logits before and after the merge, as a
    share of the largest logit."""

    vlm: Vlm
    merge_difference: float


def load_aligned(model: str, adapter: Path, probe: Image.Image, question: str) -> Aligned:
    """Load the base unquantised, whatever it was trained in, and merge the adapter; probe: an RGB photo to compare on.

    Raises:
        MissingError: the model is not there or damaged.
        RealignError: the merged model answers otherwise than the model with its adapter.
    """
    vlm = load_vlm(model, quantization="none", device="cpu", dtype=torch.float32)
    wrapped = load_adapter(vlm, adapter)
    before = _logits(vlm, probe, question)
    vlm.model = _merged(wrapped)
    after = _logits(vlm, probe, question)
    difference = float((after - before).abs().max() / before.abs().max())
    if not difference <= _SAME:
        raise RealignError(
            f"merging {adapter} changed the answers: logits differ by {difference:.1e} of the largest",
            "train again, with the version of peft that is installed now",
        )
    return Aligned(vlm, difference)


def _merged(wrapped: Any) -> Any:
    model = wrapped.merge_and_unload()
    model.requires_grad_(False)
    return model.eval()


@torch.no_grad()
def _logits(vlm: Vlm, photo: Image.Image, question: str) -> Tensor:
    """(vocabulary,) of what comes behind a prompt."""
    sight = vlm.sights([photo])[0]
    _, hidden = read_prompts(vlm, [vlm.prefix(question, sight)], [sight])
    return vlm.logits(hidden[0, -1]).float()
