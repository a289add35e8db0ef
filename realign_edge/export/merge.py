"""The adapter becomes part of the weights, and the merged model is shown to say the same.

Into the unquantised base: merging into 4-bit weights would round the adapter away (peft issue 2321).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from realign_edge.alignment.lora import load_adapter
from realign_edge.errors import MissingError, RealignError
from realign_edge.vlm.attention import prepared
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import block_mask, deep_inputs

# Of the largest logit. (W + BA) x and W x + B (A x) differ by float32's rounding alone, about 1e-6 of it a layer;
# an adapter that was merged wrongly differs by as much as it does itself.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Merge:
    """How the merge went, in logits over whole prompts with a photo.

    difference: largest between the model with its adapter beside it and the merged one; adapter: largest that the
    adapter makes to the base model; scale: the largest logit; positions: how many were compared.
    """

    difference: float
    adapter: float
    scale: float
    positions: int


def load_merged(model: str, adapter: Path, image: Image.Image, questions: Sequence[str]) -> tuple[Vlm, Merge]:
    """The base model `model` in float32 on the CPU with the PEFT folder `adapter` merged into it.

    image: an RGB photo; questions: asked about it to compare before and after.

    Raises:
        MissingError: the model or the adapter is not there or cannot be read.
        RealignError: the merged model does not say what the model with its adapter says.
    """
    vlm = load_vlm(model, dtype=torch.float32)
    return vlm, merge(vlm, adapter, image, questions)


def merge(vlm: Vlm, adapter: Path, image: Image.Image, questions: Sequence[str]) -> Merge:
    """Merge a PEFT folder into `vlm`, in place.

    Raises:
        MissingError: the adapter is not there, or is none of this model.
        RealignError: the model is quantised, or the merged one does not say what the model with its adapter says.
    """
    if vlm.quantization != "none":
        raise RealignError("an adapter cannot be merged into a quantised model", "load it with quantization = none")
    base = _logits(vlm, image, questions)
    wrapped = _loaded(vlm, adapter)
    before = _logits(vlm, image, questions)
    vlm.model = wrapped.merge_and_unload(safe_merge=True)
    vlm.model.requires_grad_(False)
    after = _logits(vlm, image, questions)
    found = Merge(
        difference=_largest(after - before),
        adapter=_largest(before - base),
        scale=_largest(before),
        positions=len(before),
    )
    # NaN compares false, so the question is whether it is within.
    if not found.difference <= TOLERANCE * max(found.scale, 1.0):
        raise RealignError(
            f"the merged model differs from the model with its adapter by {found.difference:.2g} "
            f"(largest logit {found.scale:.3g}; at most {TOLERANCE:g} of it is allowed)",
            "the run and its adapter are unharmed; report this with the model's name",
        )
    return found


def _loaded(vlm: Vlm, adapter: Path) -> Any:
    from safetensors import SafetensorError

    if not (adapter / "adapter_config.json").is_file():
        raise MissingError(f"{adapter} holds no adapter", "name a run whose training has finished")
    try:
        return load_adapter(vlm, adapter)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as problem:
        first = str(problem).strip().splitlines()[0]
        raise MissingError(
            f"the adapter {adapter} does not fit {vlm.name}: {first}", "export with the model that the run was made for"
        ) from problem


def _largest(values: Tensor) -> float:
    return float(values.abs().max())


@torch.no_grad()
def _logits(vlm: Vlm, image: Image.Image, questions: Sequence[str]) -> Tensor:
    """(positions, vocabulary) of every prompt, from pixels."""
    sight = vlm.sights([image])[0]
    found = []
    for question in questions:
        prefix = vlm.prefix(question, sight)
        ids, mask = prefix.ids.unsqueeze(0), block_mask(prefix.blocks.unsqueeze(0))
        hidden = vlm.language(
            vlm.embed(ids, [sight]),
            attention_mask=None if mask is None else prepared(vlm.language_model, mask, vlm.dtype),
            position_ids=prefix.positions.unsqueeze(1),
            deep=deep_inputs(ids == vlm.image_token_id, [sight]),
        )
        found.append(vlm.logits(hidden)[0])
    return torch.cat(found)
