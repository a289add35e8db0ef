"""The three parts of a model as makers of graphs, and which route its decoder takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import onnx_ir as ir
import torch
from PIL import Image

from realign_edge.bundle.contract import Graph, Precision
from realign_edge.errors import RealignError
from realign_edge.export.architecture import UnfitError, decoder_of
from realign_edge.export.decoder import decoder_graph
from realign_edge.export.embed import embed_graph
from realign_edge.export.model import save_model, width_of
from realign_edge.export.plain import CacheShape, cache_shape, plain_graph
from realign_edge.export.precisions import quantized
from realign_edge.export.vision import vision_graph
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.pooling import Pooling

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
    if vlm.family.both_ways != "nothing":
        raise RealignError(
            f"{vlm.family.title} cannot be exported for stations yet: its photos attend in both directions",
            "the adapter works with transformers and PEFT as it is",
        )
    look = vlm.look(Image.new("RGB", (256, 192)))
    vision = vision_graph(vlm, pooling, look.inputs["pixel_values"])
    table = vlm.model.get_input_embeddings().weight.detach().float().cpu().numpy()
    route, reason, decoder = _decoder(vlm, scratch)
    makers: dict[Graph, Make] = {
        "vision_encoder": lambda p: quantized(vision.clone(), p),
        "embed_tokens": lambda p: embed_graph(table, p),
        "decoder_model_merged": lambda p: quantized(decoder(), p),
    }
    return Parts(makers, route, reason, cache_shape(vlm), width_of(vision.graph.outputs[1]))


def positions_of(vlm: Vlm) -> int:
    """Axes of position ids: 1, or 3 where a photo's rows and columns have positions of their own."""
    rotary = getattr(vlm.language_model.config, "rope_parameters", None) or {}
    return 3 if isinstance(rotary, dict) and rotary.get("mrope_section") else 1


def _decoder(vlm: Vlm, scratch: Path) -> tuple[Route, str, Callable[[], ir.Model]]:
    """Our own graph where the decoder's modules are those that it knows and it says the same, else torch's trace."""
    try:
        decoder = decoder_of(vlm.language_model, vlm.lm_head, min(vlm.context, LONGEST))
        apart = _difference(vlm, decoder_graph(decoder), scratch)
        if not apart <= _AGREEMENT:
            raise UnfitError(f"an attention or order that differs: {apart:.1g} of the largest logit")
    except UnfitError as unfit:
        plain = plain_graph(vlm, cache_shape(vlm), positions_of(vlm))
        return "plain", str(unfit), plain.clone
    return "own", "", lambda: decoder_graph(decoder)


@torch.no_grad()
def _difference(vlm: Vlm, model: ir.Model, scratch: Path) -> float:
    """The largest difference of logits to the model's own, as a share of the largest, over a few random states."""
    import onnxruntime as ort

    hidden = vlm.model.get_input_embeddings().weight.shape[1]
    spread = float(vlm.model.get_input_embeddings().weight.std())
    states = torch.randn(1, _PROBE, hidden, generator=torch.Generator().manual_seed(0)) * spread
    expected = vlm.logits(vlm.language(states.to(vlm.device, vlm.dtype))).float().cpu().numpy()
    feeds = {
        "inputs_embeds": states.numpy(), "attention_mask": np.ones((1, _PROBE), np.int64),
        "position_ids": np.arange(_PROBE)[None], "num_logits_to_keep": np.array(0),
    }  # fmt: skip
    with TemporaryDirectory(dir=scratch) as folder:
        path = Path(folder) / "decoder.onnx"
        save_model(model, path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(path, options)
        for value in session.get_inputs()[4:]:
            feeds[value.name] = np.zeros((1, value.shape[1], 0, value.shape[3]), np.float32)
        found = session.run(["logits"], feeds)[0]
    return float(np.abs(found - expected).max() / np.abs(expected).max())
