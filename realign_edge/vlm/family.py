"""Family profiles: what differs between VLM families, as data (`models/families/*.toml`)."""

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from realign_edge.errors import MissingError, UsageError
from realign_edge.home import models_folder


@dataclass(frozen=True, slots=True)
class Family:
    """One family. Module fields are dotted paths below the loaded model; targets are anchored expressions."""

    name: str
    model_types: tuple[str, ...]
    vision_tower: str
    projector: str
    language_model: str
    lm_head: str
    lora_targets: str
    lora_targets_attention: str
    answer_prefix: str


def load_family(path: Path) -> Family:
    """Read one profile.

    Raises:
        UsageError: a key is missing or unknown.
    """
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {f.name for f in fields(Family)}
    problems = [f"unknown key `{key}`" for key in sorted(values.keys() - known)]
    problems += [f"missing key `{key}`" for key in sorted(known - values.keys())]
    if problems:
        raise UsageError(f"{path}: {', '.join(problems)}", "compare with another file of models/families")
    return Family(**{**values, "model_types": tuple(values["model_types"])})


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
    known = ", ".join(sorted(t for family in families() for t in family.model_types))
    raise MissingError(
        f"{where}: the architecture `{model_type}` is not supported", f"supported architectures: {known}"
    )
