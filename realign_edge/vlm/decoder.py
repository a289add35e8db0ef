"""What a decoder's layers keep in memory, as data (`models/decoders.toml`)."""

from dataclasses import dataclass
from functools import cache

from realign_edge.config.load import load_config
from realign_edge.home import models_folder


@dataclass(frozen=True, slots=True)
class Decoder:
    """One kind; the fields are explained in the file."""

    type: str = ""
    norms: int = 2
    head_norms: bool = False
    fused_mlp: bool = True
    eager: bool = False
    capped: bool = False


@dataclass(frozen=True, slots=True)
class _Decoders:
    decoder: tuple[Decoder, ...]


@cache
def _known() -> dict[str, Decoder]:
    return {d.type: d for d in load_config(_Decoders, models_folder() / "decoders.toml").decoder}


def decoder_of(model_type: str) -> Decoder:
    """By the model type of the text configuration; LLaMA's for one that is not listed."""
    return _known().get(model_type, Decoder(model_type))
