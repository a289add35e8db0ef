"""The configuration of `align`: one section per room."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from realign_edge.alignment.settings import PRESETS, AlignmentSettings
from realign_edge.config.load import load_config
from realign_edge.errors import UsageError
from realign_edge.evaluation.compare import EvaluationSettings
from realign_edge.export.settings import ExportSettings
from realign_edge.glossary.language import Wanted
from realign_edge.photos.collection import PhotoSettings
from realign_edge.preferences.settings import PairSettings
from realign_edge.retrieval.policy import RetrievalSettings


@dataclass(frozen=True)
class AlignConfig:
    """model: name or folder of the VLM; preset: where alignment settings start from; language: of the prompts.

    With "auto", prompts are in the language of the records; a run's own configuration holds what that was.
    """

    model: str = "nano"
    preset: str = "nano"
    device: Literal["cpu", "cuda"] = "cpu"
    language: Wanted = "auto"
    photos: PhotoSettings = field(default_factory=PhotoSettings)
    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    alignment: AlignmentSettings = field(default_factory=AlignmentSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    export: ExportSettings = field(default_factory=ExportSettings)


def resolve(path: Path | None, overrides: dict[str, Any]) -> AlignConfig:
    """File and typed flags over the preset over the defaults.

    Raises:
        UsageError: unknown preset, key or value.
    """
    chosen = load_config(AlignConfig, path, overrides)
    if chosen.preset not in PRESETS:
        raise UsageError(f"unknown preset `{chosen.preset}`", f"presets: {', '.join(PRESETS)}")
    preset = {f"alignment.{k}": v for k, v in dataclasses.asdict(PRESETS[chosen.preset]).items()}
    if path is None:
        return load_config(AlignConfig, None, preset | overrides)
    import tomllib

    written = tomllib.loads(path.read_text(encoding="utf-8")).get("alignment", {})
    below = {k: v for k, v in preset.items() if k.removeprefix("alignment.") not in written}
    return load_config(AlignConfig, path, below | overrides)
