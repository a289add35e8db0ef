"""Settings for one GPU of a usual size (`models/presets.toml`), which `gpu_search` derives by the planner."""

from dataclasses import dataclass, replace
from functools import cache

from realign_edge.alignment.settings import PRESETS, AlignmentSettings
from realign_edge.config.load import load_config
from realign_edge.home import models_folder

# The recipe: the presets change what memory depends on, and nothing else.
RECIPE = "workstation"


@dataclass(frozen=True, slots=True)
class GpuPreset:
    """gpu_gb: the card's size as it is sold; model: on the hub; photo_tokens, micro_tokens: see the settings."""

    name: str
    gpu_gb: int
    model: str
    photo_tokens: int
    micro_tokens: int
    gradient_checkpointing: bool
    lora_rank: int

    @property
    def installed(self) -> str:
        """What the model is called on this machine where its folder kept its name."""
        return self.model.split("/")[1]

    @property
    def alignment(self) -> AlignmentSettings:
        """The recipe with this preset's memory."""
        return replace(
            PRESETS[RECIPE],
            lora_rank=self.lora_rank,
            lora_alpha=2 * self.lora_rank,
            micro_tokens=self.micro_tokens,
            gradient_checkpointing=self.gradient_checkpointing,
        )


@dataclass(frozen=True, slots=True)
class GpuPresets:
    """The file."""

    preset: tuple[GpuPreset, ...]


@cache
def gpu_presets() -> dict[str, GpuPreset]:
    """By name, the smallest GPU first."""
    return {p.name: p for p in load_config(GpuPresets, models_folder() / "presets.toml").preset}
