"""The vision graph of towers that read a photo as a sequence of patches, whatever its shape: Qwen2-VL and later.

The tower's own layers are called in turn, since its `forward` splits the sequence by lengths that a graph cannot hold.
What follows from the photo's grid comes in from outside (station/seeing/patches.py). Patches that attend through
windows are gathered into rows of one length with a mask: exact at every edge, and no product of patches that never
meet.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor, nn

from realign_edge.errors import RealignError
from realign_edge.export.graphs.tower.attention import multi_head
from realign_edge.export.graphs.trace import traced
from realign_edge.station.seeing.patches import grid_inputs
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.pooling import Pooling

# What the axes of the graph's inputs and outputs are called, where they vary.
_AXES: Mapping[str, Sequence[str]] = {
    "window_slots": ("windows",), "window_mask": ("windows",), "image_features": ("image_tokens",),
    "image_embedding": (), "deepstack_features": ("", "image_tokens"),
}  # fmt: skip


class Patches(nn.Module):
    """pixel_values (patches, dim), position_ids (patches, 2) and what else `grid_inputs` names -> image_features
    (tokens, hidden), image_embedding (1, dim), and deepstack_features (layers, tokens, hidden) where there are such.

    The embedding is the mean of all patches' last states, or of the features. Can be traced and not run.
    """

    def __init__(self, tower: Any, pooling: Pooling, more: Sequence[str]) -> None:
        super().__init__()
        self.tower, self.projected, self.more = tower, pooling == "projected", tuple(more)
        self.embed = _flat(tower.patch_embed.proj)
        every = set(range(len(tower.blocks)))
        self.windowed = every - set(getattr(tower, "fullatt_block_indexes", every))
        self.deep = list(getattr(tower, "deepstack_visual_indexes", ()))

    def forward(self, pixel_values: Tensor, position_ids: Tensor, more: list[Tensor]) -> tuple[Tensor, ...]:
        tower, given = self.tower, dict(zip(self.more, more, strict=True))
        # With a batch of one, linear layers are plain products, which can be rounded.
        states = self.embed(pixel_values[None])
        if "interp_indices" in given:
            states = states + (tower.pos_embed(given["interp_indices"]) * given["interp_weights"][:, :, None]).sum(1)
        turn, deep = tower.rotary_pos_emb(states, position_ids), []
        for number, block in enumerate(tower.blocks):
            windows = given if number in self.windowed else None
            states = states + _attended(block.attn, block.norm1(states), turn, windows)
            states = states + block.mlp(block.norm2(states))
            if number in self.deep:
                deep.append(tower.deepstack_merger_list[self.deep.index(number)](states))
        features = tower.merger(states)
        pooled = (features if self.projected else states[0]).mean(dim=0, keepdim=True)
        return (features, pooled, torch.stack(deep)) if deep else (features, pooled)


def _flat(embed: Any) -> nn.Linear:
    """A convolution whose kernel is the whole patch, as the product that it is."""
    linear = nn.Linear(embed.weight[0].numel(), len(embed.weight), bias=embed.bias is not None)
    linear.weight = nn.Parameter(embed.weight.detach().flatten(1), requires_grad=False)
    if embed.bias is not None:
        linear.bias = nn.Parameter(embed.bias.detach(), requires_grad=False)
    return linear


def _attended(attention: Any, states: Tensor, turn: tuple[Tensor, Tensor], windows: Mapping[str, Tensor] | None) -> Any:
    """(1, patches, width); turn: cosines and sines (patches, head)."""
    heads, count = attention.num_heads, states.shape[1]
    cosine, sine = (t[:, None] for t in turn)
    query, key, value = attention.qkv(states).reshape(count, 3, heads, -1).unbind(1)
    query, key = (t * cosine + _half_turned(t) * sine for t in (query, key))
    rows = [t.flatten(1) for t in (query, key, value)]
    if windows is None:
        return attention.proj(multi_head([r[None] for r in rows], heads, attention.scaling))
    there = [r[windows["window_slots"]] for r in rows]
    found = multi_head(there, heads, attention.scaling, windows["window_mask"])
    return attention.proj(found.flatten(0, 1)[windows["window_places"]][None])


def _half_turned(states: Tensor) -> Tensor:
    first, second = states.chunk(2, dim=-1)
    return torch.cat([-second, first], dim=-1)


def grid_of(vlm: Vlm) -> dict[str, int]:
    """What the station's preprocessing table says of a tower of patches (`station.patches.grid_inputs`); else nothing.

    Raises:
        RealignError: its learned positions are interpolated in another way than stations know.
    """
    if vlm.family.vision_graph != "patches":
        return {}
    tower: Any = vlm.model.get_submodule(vlm.family.vision_tower)
    learned, found = hasattr(tower, "pos_embed"), {"window": 0, "side": 0}
    if hasattr(tower, "fullatt_block_indexes"):
        found["window"] = tower.window_size // tower.spatial_merge_size // tower.patch_size
    if learned and (tower.interpolation_mode, tower.interpolation_align_corners) != ("bilinear", True):
        raise RealignError(
            f"{vlm.name}: positions of patches are interpolated otherwise than stations do",
            "the adapter works with transformers and PEFT as it is",
        )
    return found | ({"side": int(tower.num_grid_per_side)} if learned else {})


def patch_graph(vlm: Vlm, pooling: Pooling) -> ir.Model:
    """The graph of a tower of patches, for photos of every shape.

    Raises:
        RealignError: torch could not trace it, or fixed an axis that must vary.
    """
    tower: Any = vlm.model.get_submodule(vlm.family.vision_tower)
    table = grid_of(vlm) | {"merge": tower.spatial_merge_size}
    # Of several windows, not all of them full; sizes are distinct and none is 1.
    edge = tower.spatial_merge_size * max(table["window"], 2)
    grid = (edge + tower.spatial_merge_size, 2 * edge + tower.spatial_merge_size)
    inputs = {name: torch.from_numpy(value) for name, value in grid_inputs((1, *grid), table).items()}
    places, free = inputs.pop("position_ids"), torch.export.Dim.AUTO
    module = Patches(tower, pooling, tuple(inputs))
    outputs = ["image_features", "image_embedding", *(["deepstack_features"] if module.deep else [])]
    pixels = torch.zeros(grid[0] * grid[1], module.embed.in_features)
    model = traced(
        module, (pixels, places, list(inputs.values())), ["pixel_values", "position_ids", *inputs], outputs,
        {"pixel_values": {0: free}, "position_ids": {0: free}, "more": [{0: free} for _ in inputs]}, "vision_encoder",
    )  # fmt: skip
    _name_axes(model)
    return model


def _name_axes(model: ir.Model) -> None:
    for value in [*model.graph.inputs, *model.graph.outputs]:
        names = _AXES.get(str(value.name), ("patches",))
        sizes = list(value.shape or ())
        value.shape = ir.Shape([names[i] if i < len(names) and names[i] else size for i, size in enumerate(sizes)])
