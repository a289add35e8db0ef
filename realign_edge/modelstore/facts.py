"""What can be said of a model without loading it: parameters from the headers of its weights, size, licence, origin."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.errors import MissingError, RealignError
from realign_edge.files import from_json
from realign_edge.home import models_folder
from realign_edge.modelstore.header import HeaderError, Tensor, header_bytes, parse_header
from realign_edge.modelstore.licences import Licence, licence_of
from realign_edge.modelstore.manifest import NAME, Manifest, read_manifest
from realign_edge.modelstore.source import COPY_AGAIN
from realign_edge.modelstore.weights import INDEX, SINGLE, shard_names
from realign_edge.vlm.family import Checkpoint, Family, family_of


@dataclass(frozen=True, slots=True)
class Parameters:
    """How many numbers the weights hold, tied ones once.

    language_model: with embeddings and head; decoder_matrices: the part of it that 4-bit loading makes small.
    """

    total: int
    vision_tower: int
    projector: int
    language_model: int
    decoder_matrices: int


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model. size: bytes of its files; embedded: it ships with the program; manifest: None without one."""

    name: str
    folder: Path
    family: Family
    parameters: Parameters
    size: int
    licence: Licence
    embedded: bool
    manifest: Manifest | None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """What its family's profile knows of it."""
        hub = self.manifest.origin.hub if self.manifest else ""
        return next((c for c in self.family.hub if c.id == hub), None)

    @property
    def commercial_use(self) -> bool | None:
        """Is commercial use allowed? None where nobody can say."""
        if self.licence.commercial_use is False or self.checkpoint is None:
            return self.licence.commercial_use
        return self.checkpoint.commercial_use


def facts_of(folder: Path) -> ModelFacts:
    """Look at a model folder.

    Raises:
        MissingError: it is damaged or of an unknown architecture.
    """
    family = family_of(str(_json(folder / "config.json").get("model_type", "")), str(folder))
    manifest = _manifest(folder)
    hub = manifest.origin.hub if manifest else ""
    stated = next((c.licence for c in family.hub if c.id == hub), "")
    return ModelFacts(
        name=folder.name,
        folder=folder,
        family=family,
        parameters=count(_tensors(folder), family),
        size=sum(p.stat().st_size for p in folder.iterdir() if p.is_file()),
        licence=licence_of(folder, stated),
        embedded=folder.resolve().parent == models_folder().resolve(),
        manifest=manifest,
    )


def count(tensors: Iterable[Tensor], family: Family) -> Parameters:
    """Add up tensors by the part of the model that they belong to."""
    names = family.tensors
    parts = {part: re.compile(getattr(names, part)) for part in ("vision_tower", "projector", "language_model")}
    layers, sums, total, matrices = re.compile(names.decoder_layers), dict.fromkeys(parts, 0), 0, 0
    for tensor in tensors:
        total += tensor.elements
        part = next((p for p, expression in parts.items() if expression.match(tensor.name)), None)
        if part is not None:
            sums[part] += tensor.elements
        if len(tensor.shape) == 2 and layers.match(tensor.name):
            matrices += tensor.elements
    return Parameters(total, sums["vision_tower"], sums["projector"], sums["language_model"], matrices)


def _tensors(folder: Path) -> list[Tensor]:
    """Every tensor of the weights that transformers would load."""
    names = [SINGLE]
    if not (folder / SINGLE).exists():
        try:
            names = sorted(shard_names(_json(folder / INDEX)["weight_map"]))
        except (KeyError, ValueError, AttributeError) as problem:
            raise MissingError(f"{folder / INDEX} is damaged: {problem}", COPY_AGAIN) from problem
    found: list[Tensor] = []
    for name in names:
        try:
            with (folder / name).open("rb") as file:
                found += parse_header(header_bytes(file.read)).tensors
        except (OSError, HeaderError) as problem:
            raise MissingError(f"{folder / name} is damaged: {problem}", COPY_AGAIN) from problem
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        value = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise MissingError(f"{path} cannot be read: {problem}", COPY_AGAIN) from problem
    return value if isinstance(value, dict) else {}


def _manifest(folder: Path) -> Manifest | None:
    """None also where it is damaged: that is what `verify` tells."""
    if not (folder / NAME).is_file():
        return None
    try:
        return read_manifest(folder)
    except RealignError:
        return None
