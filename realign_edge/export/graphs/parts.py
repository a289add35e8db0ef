"""The three parts of a model as makers of graphs, and which route its decoder takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import onnx_ir as ir
import torch
from PIL import Image

from realign_edge.bundle.contract import Graph, Precision
from realign_edge.export.graphs.decoder.architecture import decoder_of
from realign_edge.export.graphs.decoder.decoder import decoder_graph
from realign_edge.export.graphs.decoder.plain import CacheShape, cache_shape, plain_graph
from realign_edge.export.graphs.decoder.unfit import UnfitError
from realign_edge.export.graphs.embed import embed_graph
from realign_edge.export.graphs.onnxfile import save_model, width_of
from realign_edge.export.graphs.quantising.precisions import quantized
from realign_edge.export.graphs.tower.vision import vision_graph
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.pooling import Pooling
from realign_edge.vlm.shape import deep_layers

# Rotation tables grow with it; a station's prompts are a photo and a question.
LONGEST = 16384
# Of the largest logit, between our graph and the model: float32 in another order of summation gives about 1e-6.
_AGREEMENT = 1e-3
_PROBE = 12

Route = Literal["own", "plain"]
Make = Callable[[Precision], ir.Model]


@dataclass(frozen=True)
class Parts:
    """makers: of each graph, in a precision; route and reason: of the decoder; embedding_dim: of the photo's vector."""

    makers: Mapping[Graph, Make]
    route: Route
    reason: str
    shape: CacheShape
    embedding_dim: int


def parts_of(vlm: Vlm, pooling: Pooling, scratch: Path) -> Parts:
    """scratch: an existing folder with room for the float decoder.

    Raises:
        RealignError: a part cannot be exported.
    """
    look = vlm.look(Image.new("RGB", (256, 192)))
    vision = vision_graph(vlm, pooling, look.inputs["pixel_values"])
    table = _table(vlm)
    route, reason, decoder = _decoder(vlm, scratch)
    makers: dict[Graph, Make] = {
        "vision_encoder": lambda p: quantized(vision.clone(), p),
        "embed_tokens": lambda p: embed_graph(table, p),
        "decoder_model_merged": lambda p: quantized(decoder(), p),
    }
    return Parts(makers, route, reason, cache_shape(vlm), width_of(vision.graph.outputs[1]))


@torch.no_grad()
def _table(vlm: Vlm) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """(vocabulary, hidden) of what tokens are given as; some families scale their table when they look it up."""
    embed = vlm.model.get_input_embeddings()
    rows = torch.arange(embed.weight.shape[0], device=vlm.device)
    return np.asarray(embed(rows).float().cpu().numpy())


def positions_of(vlm: Vlm) -> int:
    """Axes of position ids: 1, or 3 where a photo's rows and columns have positions of their own."""
    rotary = getattr(vlm.language_model.config, "rope_parameters", None) or {}
    return 3 if isinstance(rotary, dict) and rotary.get("mrope_section") else 1


def _decoder(vlm: Vlm, scratch: Path) -> tuple[Route, str, Callable[[], ir.Model]]:
    """Our own graph where the decoder's modules are those that it knows and it says the same, else torch's trace."""
    try:
        if vlm.family.both_ways != "nothing":
            raise UnfitError("photos that attend in both directions")
        deep = deep_layers(vlm.model.config)
        decoder = decoder_of(vlm.language_model, vlm.lm_head, min(vlm.context, LONGEST), positions_of(vlm), deep)
        apart = _difference(vlm, decoder_graph(decoder), scratch)
        if not apart <= _AGREEMENT:
            raise UnfitError(f"an attention or order that differs: {apart:.1g} of the largest logit")
    except UnfitError as unfit:
        plain = plain_graph(vlm, cache_shape(vlm), positions_of(vlm), deep_layers(vlm.model.config))
        return "plain", str(unfit), plain.clone
    return "own", "", lambda: decoder_graph(decoder)


@torch.no_grad()
def _difference(vlm: Vlm, model: ir.Model, scratch: Path) -> float:
    """The largest difference of logits to the model's own, as a share of the largest, over a few random states."""
    import onnxruntime as ort

    hidden = vlm.model.get_input_embeddings().weight.shape[1]
    spread, generator = float(vlm.model.get_input_embeddings().weight.std()), torch.Generator().manual_seed(0)
    states = torch.randn(1, _PROBE, hidden, generator=generator) * spread
    axes, layers = positions_of(vlm), deep_layers(vlm.model.config)
    # Where positions have axes, these differ.
    places = torch.stack([torch.arange(_PROBE) // (axis + 1) for axis in range(axes)]).unsqueeze(1)
    deep = torch.randn(layers, 1, _PROBE, hidden, generator=generator) * spread
    expected = vlm.logits(
        vlm.language(states.to(vlm.device, vlm.dtype), position_ids=places, deep=_deep(vlm, deep))
    ).float().cpu().numpy()  # fmt: skip
    feeds = {
        "inputs_embeds": states.numpy(), "attention_mask": np.ones((1, _PROBE), np.int64),
        "position_ids": places.numpy() if axes > 1 else places[0].numpy(), "num_logits_to_keep": np.array(0),
    } | ({"deepstack_features": deep.numpy()} if layers else {})  # fmt: skip
    with TemporaryDirectory(dir=scratch) as folder:
        path = Path(folder) / "decoder.onnx"
        save_model(model, path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(path, options)
        for value in (v for v in session.get_inputs() if v.name.startswith("past")):
            feeds[value.name] = np.zeros((1, value.shape[1], 0, value.shape[3]), np.float32)
        found = session.run(["logits"], feeds)[0]
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _deep(vlm: Vlm, features: torch.Tensor) -> dict[str, Any]:
    """What the decoder is given to add to every state; features: (layers, 1, length, hidden)."""
    given = list(features[:, 0].to(vlm.device, vlm.dtype))
    return (
        {"visual_pos_masks": torch.ones(features.shape[1:3], dtype=torch.bool), "deepstack_visual_embeds": given}
        if given
        else {}
    )
