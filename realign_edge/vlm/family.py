"""Family profiles: what differs between VLM families, as data (`models/families/*.toml`)."""

import re
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Literal

from realign_edge.config.load import load_config
from realign_edge.errors import MissingError
from realign_edge.home import models_folder
from realign_edge.vlm.resolution import Limits, Resolution
from realign_edge.vlm.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A published checkpoint of a family, by its name on the Hugging Face hub.

    revision: the commit that was tried with this project, "" where none was; licence: identifier as on the
    hub's model cards; commercial_use: whether the licence allows it; note: what else to know, one plain line;
    sizes: its shape, None where nobody has stated it.
    """

    id: str
    licence: str
    commercial_use: bool
    revision: str = ""
    note: str = ""
    sizes: Sizes | None = None

    def __post_init__(self) -> None:
        if self.id.count("/") != 1 or not all(self.id.split("/")):
            raise ValueError(f"id must be `organisation/name`, not {self.id!r}")
        if self.revision and not re.fullmatch(r"[0-9a-f]{40}", self.revision):
            raise ValueError("revision must be a whole commit hash of 40 hexadecimal digits, or empty")


@dataclass(frozen=True, slots=True)
class TensorNames:
    """How the tensors of each part begin in the files of a checkpoint: expressions matched from the start.

    They may differ from the module paths of the loaded model. The head counts as part of the language model;
    decoder_layers are the repeated layers in it, whose matrices 4-bit loading makes small.
    """

    vision_tower: str
    projector: str
    language_model: str
    decoder_layers: str

    def __post_init__(self) -> None:
        for part in fields(self):
            try:
                re.compile(getattr(self, part.name))
            except re.error as problem:
                raise ValueError(f"{part.name} is no regular expression: {problem}") from problem


@dataclass(frozen=True, slots=True)
class Family:
    """One family. Module fields are dotted paths below the loaded model; targets are anchored expressions.

    model_classes: of transformers, checked after loading; answer_end: the token that ends an answer in a chat, ""
    where it is the tokenizer's EOS; unquantized: what stays out of 4 bit besides tower,
    projector and head; placeholder: the processor's attribute that names the photo's token in a prompt;
    prompt_function: of vlm/quirks.py; both_ways: which tokens attend to one another in both directions;
    caps_logits: the head's logits pass through `final_logit_softcapping`; class_token: the tower's first state
    stands for the whole photo; photo_tokens: of a usual photo, 0 where the configuration says it exactly;
    vision_graph: what an export does between tower and projector (export/graphs/tower/vision.py), "" where it cannot;
    resolution: how photos are limited to a number of tokens, None where they cannot be.
    """

    name: str
    title: str
    model_types: tuple[str, ...]
    vision_tower: str
    projector: str
    language_model: str
    lm_head: str
    lora_targets: str
    lora_targets_attention: str
    answer_prefix: str
    tensors: TensorNames
    model_classes: tuple[str, ...]
    answer_end: str = ""
    unquantized: tuple[str, ...] = ()
    placeholder: str = "image_token"
    prompt_function: Literal["chat", "paligemma"] = "chat"
    both_ways: Literal["nothing", "photo", "prompt"] = "nothing"
    caps_logits: bool = False
    class_token: bool = False
    photo_tokens: int = 0
    vision_graph: str = ""
    limits: Limits = field(default_factory=Limits)
    resolution: Resolution | None = None
    hub: tuple[Checkpoint, ...] = ()

    @property
    def shares_photo(self) -> bool:
        """Can several questions follow one photo? Not where it attends to the question."""
        return self.both_ways != "prompt"


def load_family(path: Path) -> Family:
    """Read one profile.

    Raises:
        UsageError: a key is missing or unknown, or a value makes no sense; every problem is named.
    """
    return load_config(Family, path)


@cache
def families() -> tuple[Family, ...]:
    """Every family that ships, by file name."""
    return tuple(load_family(path) for path in sorted((models_folder() / "families").glob("*.toml")))


def family_of(model_type: str, where: str) -> Family:
    """The family of a checkpoint whose config.json says `model_type`.

    Raises:
        MissingError: no profile names this architecture.
    """
    for family in families():
        if model_type in family.model_types:
            return family
    known = ", ".join(sorted(f"{t} ({family.title})" for family in families() for t in family.model_types))
    raise MissingError(
        f"{where}: the architecture `{model_type}` is not supported", f"supported architectures: {known}"
    )
