"""From a photo to what the language model is given of it, by transformers' own processor and tower."""

from collections.abc import Set
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from realign_edge.vlm.family import Family
from realign_edge.vlm.pooling import Pooling
from realign_edge.vlm.sight import Layout, Sight
from realign_edge.vlm.wording import PROBE, Wording


class Look(NamedTuple):
    """A photo preprocessed. tokens: (n,) int64 ids that stand for it; inputs: what the tower takes, a batch of one."""

    tokens: Tensor
    inputs: dict[str, Tensor]


class Seen(NamedTuple):
    """What the frozen tower says of a photo; pooled: unit-length vectors (dim,) float32 for retrieval."""

    sight: Sight
    pooled: dict[Pooling, Tensor]


def look_at(wording: Wording, image: Image.Image, wanted: Set[str]) -> Look:
    """Preprocess an RGB photo; wanted: what the tower takes."""
    found = wording.processed(PROBE, image)
    tokens = wording.photo_tokens(PROBE, found["input_ids"][0].tolist())
    inputs = {name: value for name, value in found.items() if name in wanted}
    return Look(torch.tensor(tokens, dtype=torch.int64), inputs)


@torch.no_grad()
def see(model: Any, family: Family, look: Look) -> Seen:
    """Run the tower and projector of a transformers model.

    Raises:
        ValueError: the tower says more or less than there are places for in the prompt.
    """
    parameter = next(model.get_submodule(family.vision_tower).parameters())
    inputs = {n: v.to(parameter.device, _dtype_of(v, parameter.dtype)) for n, v in look.inputs.items()}
    output = model.model.get_image_features(**inputs, output_hidden_states=True, return_dict=True)
    features = torch.cat([f.flatten(0, -2) for f in output.pooler_output])
    placeholders = int((look.tokens == model.config.image_token_id).sum())
    if len(features) != placeholders:
        raise ValueError(f"{family.name}: {len(features)} features for {placeholders} places of a photo")
    deep = [torch.cat(list(layer)) for layer in getattr(output, "deepstack_features", None) or ()]
    grid = look.inputs.get("image_grid_thw")
    place = Layout(look.tokens) if grid is None else Layout(look.tokens, grid[0].to(torch.int64))
    sight = Sight(place.tokens, place.grid, features=features, deep=torch.stack(deep) if deep else None)
    states = output.hidden_states[-1] if output.hidden_states else output.last_hidden_state
    return Seen(sight, _pooled(features, states, family.class_token))


def _dtype_of(value: Tensor, dtype: torch.dtype) -> torch.dtype:
    return dtype if value.is_floating_point() else value.dtype


def _pooled(features: Tensor, states: Tensor, class_token: bool) -> dict[Pooling, Tensor]:
    """Vectors of one photo; where the tower has no class token, the mean stands for it. states: (..., tokens, dim)."""
    flat = states.reshape(-1, states.shape[-1])
    mean = flat.mean(dim=0)
    found: dict[Pooling, Tensor] = {
        "mean": mean, "cls": flat[0] if class_token else mean, "projected": features.mean(dim=0),
    }  # fmt: skip
    return {how: torch.nn.functional.normalize(v.float(), dim=-1).cpu() for how, v in found.items()}
