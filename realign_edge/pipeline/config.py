"""The configuration of `align`: one section per room."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from realign_edge.alignment.gpu_presets import gpu_presets
from realign_edge.alignment.settings import PRESETS, AlignmentSettings
from realign_edge.config.load import load_config, over, read_toml
from realign_edge.errors import UsageError
from realign_edge.evaluation.settings import EvaluationSettings
from realign_edge.export.settings import ExportSettings
from realign_edge.glossary.language import Wanted
from realign_edge.photos.collection import PhotoSettings
from realign_edge.preferences.settings import PairSettings
from realign_edge.retrieval.policy import RetrievalSettings


@dataclass(frozen=True)
class AlignConfig:
    """model: name or folder of the VLM; preset: where settings start from; language: of the prompts;
    photo_tokens: what a photo may take of the model's context at the most, 0 = as its family's profile has it.

    With language "auto", prompts are in the language of the records; a run's own configuration holds what that was.
    """

    model: str = "nano"
    preset: str = "nano"
    device: Literal["cpu", "cuda"] = "cpu"
    language: Wanted = "auto"
    photo_tokens: int = 0
    photos: PhotoSettings = field(default_factory=PhotoSettings)
    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    alignment: AlignmentSettings = field(default_factory=AlignmentSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    export: ExportSettings = field(default_factory=ExportSettings)

    def __post_init__(self) -> None:
        if self.photo_tokens < 0:
            raise ValueError("photo_tokens must not be negative")


def resolve(path: Path | None, overrides: dict[str, Any], site: Mapping[str, Any] | None = None) -> AlignConfig:
    """Typed flags over the file over the site's values over the preset over the defaults.

    site: the table [align] of the appliance's own file.

    Raises:
        UsageError: unknown preset, key or value.
    """
    site = site or {}
    chosen = load_config(AlignConfig, path, overrides, site)
    written = over(site, {} if path is None else read_toml(path))
    below = _preset_values(chosen, "model" in written or "model" in overrides)
    typed = {f"alignment.{key}" for key in written.get("alignment", {})} | written.keys()
    preset = {k: v for k, v in below.items() if k not in typed}
    return load_config(AlignConfig, path, preset | overrides, site)


def sources_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Key to `preset NAME` for what comes from the preset that the values, the site's and the run's, choose.

    Raises:
        UsageError: unknown preset, key or value.
    """
    chosen = load_config(AlignConfig, None, {}, values)
    typed = {f"alignment.{key}" for key in values.get("alignment", {})} | values.keys()
    return {key: f"preset {chosen.preset}" for key in _preset_values(chosen, "model" in values) if key not in typed}


def _preset_values(chosen: AlignConfig, model_named: bool) -> dict[str, Any]:
    """What a preset sets, by key; one for a GPU also names its model, and limits the photos of that model alone.

    Raises:
        UsageError: there is no such preset.
    """
    if chosen.preset in PRESETS:
        return _alignment_values(PRESETS[chosen.preset])
    preset = gpu_presets().get(chosen.preset)
    if preset is None:
        names = ", ".join([*PRESETS, *gpu_presets()])
        raise UsageError(f"unknown preset `{chosen.preset}`", f"presets: {names}")
    model = chosen.model if model_named else preset.installed
    own = {"photo_tokens": preset.photo_tokens} if Path(model).name == preset.installed else {}
    return {"device": "cuda", "model": model, **own, **_alignment_values(preset.alignment)}


def _alignment_values(settings: AlignmentSettings) -> dict[str, Any]:
    return {f"alignment.{k}": v for k, v in dataclasses.asdict(settings).items()}
