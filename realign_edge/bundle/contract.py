"""What export and station agree on: the files of a bundle, and what the station must know to run its graphs.

The layout of `onnx/` and the names of tensors are those of transformers.js, so that other tools open the same files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Graph = Literal["vision_encoder", "embed_tokens", "decoder_model_merged"]
Precision = Literal["fp32", "int8", "int4"]
GRAPHS: tuple[Graph, ...] = ("vision_encoder", "embed_tokens", "decoder_model_merged")
SUFFIX: Mapping[Precision, str] = {"fp32": "", "int8": "_int8", "int4": "_q4"}

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
STATION = "station.json"
GLOSSARY = "glossary.toml"
RULES = "rules.toml"
EVALUATION = "evaluation.json"
PARITY = "parity.json"
BASELINE = "baseline.json"
INDEX_VECTORS = "index/vectors.npy"
INDEX_RECORDS = "index/records.jsonl"
THUMBNAILS = "index/thumbnails"
GOLDEN = "golden/golden.json"
GOLDEN_PHOTOS = "golden/photos"


def graph_file(graph: Graph, precision: Precision) -> str:
    """Its path in the bundle; weights beyond protobuf's 2 GB lie beside it as `<file>_data`."""
    return f"onnx/{graph}{SUFFIX[precision]}.onnx"


@dataclass(frozen=True)
class StationProfile:
    """station.json: all that the runtime must know and the graphs do not say.

    preprocess: `kind` names how a photo becomes pixel_values (station/seeing/pixels.py), the other keys are its
    numbers; image_token, image_token_id: what stands for the photo in a prompt; image_tokens: how many of them a photo
    takes (0: it depends on the photo's size); add_bos: does the tokenizer's own post-processing add a first token;
    layers, kv_heads, head_dim: of the decoder's cache; positions: "linear", or "mrope" (three axes);
    cache: "shared" where past and present may be one buffer (GroupQueryAttention), "grown" where present is past plus
    the new tokens; questions: by name, in `language`; precisions: of each graph, the one that this bundle runs with;
    embedding_rows: a photo of several rows (tiles) is found by the first one's `image_embedding`, by their mean, or by
    the mean of its features as they stand in the prompt; layout: the tokens around them (station/seeing/layout.py);
    both_ways: which tokens attend to one another in both directions: none, the photo's, or the whole prompt's;
    deep_layers: of the decoder, behind which the vision graph's `deepstack_features` are added to a photo's tokens.
    """

    family: str
    language: Literal["en", "ja"]
    preprocess: Mapping[str, Any]
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
    questions: Mapping[str, str]
    max_new_tokens: int
    precisions: Mapping[Graph, Precision]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    embedding_rows: Literal["first", "mean", "features"] = "first"
    layout: Mapping[str, Any] = field(default_factory=dict)
    both_ways: Literal["nothing", "photo", "prompt"] = "nothing"
    deep_layers: int = 0


@dataclass(frozen=True)
class GoldenPhoto:
    """A photo in `golden/photos` and what the exported model said of it on the workstation.

    ids: answer to the question named `question` in station.json; embedding: (d,) of unit length.
    """

    photo: str
    question: str
    ids: tuple[int, ...]
    embedding: tuple[float, ...]


@dataclass(frozen=True)
class Golden:
    """golden.json: what a station must reproduce before a bundle becomes active.

    Processors round differently, so that nearly the same is asked for: min_cosine of each embedding, and
    min_agreement, the mean share of the expected tokens up to the first that differs.
    """

    photos: tuple[GoldenPhoto, ...]
    min_cosine: float
    min_agreement: float


@dataclass(frozen=True)
class Baseline:
    """baseline.json: what this bundle saw on held-out photos, for later comparison with what a station sees.

    familiarity: of each photo, ascending, as in `results.model.Inspection`; verdicts: how many of each.
    """

    familiarity: tuple[float, ...]
    verdicts: Mapping[str, int]
