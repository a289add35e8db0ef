"""The vision graph: pixels to projected features, and the vector that the index of past photos knows.

transformers' own `get_image_features` loops over the batch in several families, which makes the exporter fix it; so
tower and projector are called here. What a family does between them is named in its profile (`vision_graph`).
"""

from collections.abc import Callable, Mapping
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor, nn

from realign_edge.errors import RealignError
from realign_edge.export.graphs.tower.attention import fused_attention
from realign_edge.export.graphs.tower.patches import patch_graph
from realign_edge.export.graphs.tower.slim import slimmed
from realign_edge.export.graphs.tower.towers import last, shuffled
from realign_edge.export.graphs.trace import traced
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.pooling import Pooling


def selected(model: Any, output: Any) -> Tensor:
    """LLaVA and LLaVA-NeXT: the states of one layer or of several side by side, with or without the class token."""
    config = model.config
    layer, states = config.vision_feature_layer, output.hidden_states
    chosen = states[layer] if isinstance(layer, int) else torch.cat([states[number] for number in layer], dim=-1)
    return chosen[:, 1:] if config.vision_feature_select_strategy == "default" else chosen


CHOICES: Mapping[str, Callable[[Any, Any], Tensor]] = {"selected": selected, "last": last, "shuffled": shuffled}
# Towers whose whole graph is another one.
WHOLE: Mapping[str, Callable[[Vlm, Pooling], ir.Model]] = {"patches": patch_graph}


class Vision(nn.Module):
    """pixel_values (n, 3, H, W) -> image_features (n, tokens, hidden), image_embedding (n, dim).

    The embedding is the pooled vector of each row, of any length; a photo's is the mean of its rows' (or the first
    one's, where the pooling takes the class token), brought to unit length.
    """

    def __init__(self, vlm: Vlm, pooling: Pooling) -> None:
        super().__init__()
        family = vlm.family
        self.tower = vlm.model.get_submodule(family.vision_tower)
        self.projector = vlm.model.get_submodule(family.projector)
        self.chosen = CHOICES[family.vision_graph]
        self.pooling = "mean" if pooling == "cls" and not family.class_token else pooling
        # Not a child: only its configuration and small methods are used.
        self.whole = [vlm.model.model]

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        output = self.tower(pixel_values, output_hidden_states=True, return_dict=True)
        features = self.projector(self.chosen(self.whole[0], output))
        states = output.hidden_states[-1] if output.hidden_states else output.last_hidden_state
        return features, self._pooled(features, states)

    def _pooled(self, features: Tensor, states: Tensor) -> Tensor:
        if self.pooling == "cls":
            return states[:, 0]
        return (features if self.pooling == "projected" else states).mean(dim=1)


def vision_graph(vlm: Vlm, pooling: Pooling, example: Tensor) -> ir.Model:
    """example: (n, 3, H, W) pixels of one photo.

    Raises:
        RealignError: this family's tower has no graph here, or torch fixed its batch axis.
    """
    check_family(vlm)
    if vlm.family.vision_graph in WHOLE:
        return WHOLE[vlm.family.vision_graph](vlm, pooling)
    vision = Vision(vlm, pooling)
    # An axis of one would be taken for a constant.
    pixels = torch.cat([example.flatten(0, -4)[:1].float()] * 3)
    with fused_attention(vision.tower):
        model = traced(
            vision, (pixels,), ["pixel_values"], ["image_features", "image_embedding"],
            {"pixel_values": {0: torch.export.Dim.DYNAMIC}}, "vision_encoder",
        )  # fmt: skip
    for value in [*model.graph.inputs, *model.graph.outputs]:
        value.shape = ir.Shape(["batch_size", *list(value.shape or ())[1:]])
    return slimmed(model)


def check_family(vlm: Vlm) -> None:
    """Raises RealignError where the family's profile names no vision graph."""
    from realign_edge.vlm.family import families

    if vlm.family.vision_graph not in {**CHOICES, **WHOLE}:
        known = ", ".join(f.title for f in families() if f.vision_graph in {**CHOICES, **WHOLE})
        raise RealignError(
            f"{vlm.family.title} cannot be exported for stations yet",
            f"the adapter works with transformers and PEFT as it is; stations run {known}",
        )
