"""A model as ONNX graphs in the layout of transformers.js, and what a station must know of them."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from realign_edge.bundle.contract import GRAPHS, Graph, Precision, graph_file
from realign_edge.errors import RealignError
from realign_edge.export.graphs.hub import newline_of, write_hub_files
from realign_edge.export.graphs.onnxfile import save_model
from realign_edge.export.graphs.parts import LONGEST, Parts, Route, parts_of, positions_of
from realign_edge.export.graphs.tower.vision import check_family
from realign_edge.export.tables.layout import places_of
from realign_edge.export.tables.preprocess import preprocess_of
from realign_edge.files import made_beside, sync_folder
from realign_edge.progress import Progress, Silent
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.pooling import Pooling
from realign_edge.vlm.shape import deep_layers


@dataclass(frozen=True)
class GraphFile:
    """One graph in one precision. path: in the bundle; files: with the one of its weights, if apart; size: bytes."""

    graph: Graph
    precision: Precision
    path: str
    files: tuple[str, ...]
    size: int


@dataclass(frozen=True)
class Graphs:
    """What was exported, and the model's side of `contract.StationProfile`, field by field.

    route: "own", the fused graph that we write, or "plain", torch's trace, with the reason; embedding_rows: a photo's
    retrieval vector is the mean of its rows' `image_embedding`, the first one, or the mean of its placed features.
    """

    files: tuple[GraphFile, ...]
    hub_files: tuple[str, ...]
    route: Route
    reason: str
    family: str
    image_token: str
    image_token_id: int
    image_tokens: int
    eos_token_ids: tuple[int, ...]
    add_bos: bool
    answer_prefix: str
    layers: int
    kv_heads: int
    head_dim: int
    hidden: int
    vocabulary: int
    context: int
    positions: Literal["linear", "mrope"]
    cache: Literal["shared", "grown"]
    embedding_dim: int
    embedding_rows: Literal["mean", "first", "features"]
    layout: Mapping[str, Any]
    both_ways: Literal["nothing", "photo", "prompt"]
    deep_layers: int


def export_graphs(
    vlm: Vlm,
    folder: Path,
    precisions: Sequence[Precision] = ("fp32", "int8", "int4"),
    *,
    pooling: Pooling = "cls",
    progress: Progress | None = None,
) -> Graphs:
    """Write `folder/onnx/*` and the hub files; what was there is replaced.

    vlm: merged, unquantised, in float32; pooling: of the index that the bundle will carry.

    Raises:
        RealignError: the family has no graphs here, or a part cannot be exported.
    """
    _check(vlm)
    progress = progress or Silent()
    progress.start("Writing graphs", len(GRAPHS) * len(precisions), "graphs")
    files = []
    with made_beside(folder / ".onnx.tmp") as beside:
        parts = parts_of(vlm, pooling, beside)
        for graph, make in parts.makers.items():
            for precision in precisions:
                path = graph_file(graph, precision)
                written = save_model(make(precision), beside / Path(path).name)
                names = tuple(f"onnx/{p.name}" for p in written)
                files.append(GraphFile(graph, precision, path, names, sum(p.stat().st_size for p in written)))
                progress.advance(len(files))
        shutil.rmtree(folder / "onnx", ignore_errors=True)
        beside.rename(folder / "onnx")
    sync_folder(folder)
    hub = write_hub_files(vlm, folder, [folder / name for file in files for name in file.files])
    progress.finish(f"{len(files)} graphs, {sum(f.size for f in files) / 2**20:.1f} MiB")
    return Graphs(files=tuple(files), hub_files=hub, **_wording(vlm), **_shapes(vlm, parts, pooling))


def _check(vlm: Vlm) -> None:
    if vlm.quantization != "none":
        raise RealignError("a quantised model cannot be exported", "load it with quantization = none, then merge")
    check_family(vlm)


def _shapes(vlm: Vlm, parts: Parts, pooling: Pooling) -> dict[str, Any]:
    """What the graphs are like."""
    table = vlm.model.get_input_embeddings().weight
    head: Any = vlm.lm_head
    return {
        "route": parts.route, "reason": parts.reason, "layers": parts.shape.layers,
        "kv_heads": parts.shape.kv_heads, "head_dim": parts.shape.head_dim, "hidden": int(table.shape[1]),
        "vocabulary": int(head.weight.shape[0]), "context": min(vlm.context, LONGEST),
        "positions": "linear" if positions_of(vlm) == 1 else "mrope",
        "cache": "shared" if parts.route == "own" else "grown", "embedding_dim": parts.embedding_dim,
        "embedding_rows": _rows(vlm, pooling), "both_ways": vlm.family.both_ways,
        "deep_layers": deep_layers(vlm.model.config),
    }  # fmt: skip


def _rows(vlm: Vlm, pooling: Pooling) -> Literal["mean", "first", "features"]:
    """Which of its rows stand for a photo. Packing changes the mean of features, and of nothing else."""
    if pooling == "cls" and vlm.family.class_token:
        return "first"
    return "features" if pooling == "projected" and newline_of(vlm) else "mean"


def _wording(vlm: Vlm) -> dict[str, Any]:
    """How prompts are read."""
    places = places_of(vlm, preprocess_of(vlm.processor, vlm.family.limits))
    tokenizer = vlm.processor.tokenizer
    return {
        "family": vlm.family.name, "image_token": str(tokenizer.convert_ids_to_tokens(vlm.image_token_id)),
        "image_token_id": vlm.image_token_id, "image_tokens": places.features, "layout": places.layout,
        "eos_token_ids": (vlm.eos_token_id,), "add_bos": vlm.wording.prompt("x").special,
        "answer_prefix": vlm.family.answer_prefix,
    }  # fmt: skip
