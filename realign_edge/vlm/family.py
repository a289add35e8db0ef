"""Family profiles: what differs between VLM families, as data (`models/families/*.toml`)."""

import re
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from realign_edge.config.load import load_config
from realign_edge.errors import MissingError
from realign_edge.home import models_folder


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A published checkpoint of a family, by its name on the Hugging Face hub.

    revision: the commit that was tried with this project, "" where none was; licence: identifier as on the
    hub's model cards; commercial_use: whether the licence allows it; note: what else to know, one plain line.
    """

    id: str
    licence: str
    commercial_use: bool
    revision: str = ""
    note: str = ""

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
        for field in fields(self):
            try:
                re.compile(getattr(self, field.name))
            except re.error as problem:
                raise ValueError(f"{field.name} is no regular expression: {problem}") from problem


@dataclass(frozen=True, slots=True)
class Family:
    """One family. Module fields are dotted paths below the loaded model; targets are anchored expressions."""

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
    hub: tuple[Checkpoint, ...] = ()


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
