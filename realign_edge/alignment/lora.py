"""The LoRA adapter: injected by peft into the language model alone, and written so that peft alone can load it."""

import shutil
from pathlib import Path
from typing import Any

import torch

from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.files import sync_folder, write_atomic
from realign_edge.vlm.model import Vlm


def inject(vlm: Vlm, settings: AlignmentSettings) -> Any:
    """Put a fresh adapter into `vlm.model`, in place; returns the PeftModel around it.

    The adapter's first output is 0, so the policy starts as the base model. Initial weights depend on
    `settings.seed` alone.
    """
    from peft import LoraConfig, get_peft_model

    family = vlm.family
    targets = family.lora_targets if settings.lora_targets == "all-linear" else family.lora_targets_attention
    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=targets,
        bias="none",
    )
    torch.manual_seed(settings.seed)
    wrapped = get_peft_model(vlm.model, config)
    wrapped.peft_config["default"].base_model_name_or_path = vlm.name
    check_adapter(vlm)
    return wrapped


def eject(vlm: Vlm, wrapped: Any) -> None:
    """Take the adapter out again; `vlm.model` is the base model as it was."""
    wrapped.unload()
    vlm.model.requires_grad_(False)


def trainable(vlm: Vlm) -> dict[str, torch.nn.Parameter]:
    """Every parameter that learns, by name, sorted."""
    return {name: p for name, p in sorted(vlm.model.named_parameters()) if p.requires_grad}


def check_adapter(vlm: Vlm) -> None:
    """Only LoRA weights learn, and they sit in the language model.

    Raises:
        RuntimeError: the expression that names the targets reaches outside; our mistake, not the user's.
    """
    inside = f"{vlm.family.language_model}."
    stray = [n for n in trainable(vlm) if "lora_" not in n or not n.startswith(inside)]
    if stray or not trainable(vlm):
        raise RuntimeError(f"the adapter of family {vlm.family.name} is misplaced: {stray[:3] or 'no target'}")


def save_adapter(wrapped: Any, folder: Path) -> None:
    """Write a PEFT folder beside and rename it, so that it is whole or absent."""
    beside = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    wrapped.save_pretrained(beside, safe_serialization=True)
    (beside / "README.md").unlink(missing_ok=True)
    for file in sorted(beside.iterdir()):
        write_atomic(file, file.read_bytes())
    if folder.exists():
        shutil.rmtree(folder)
    beside.rename(folder)
    sync_folder(folder.parent)


def load_adapter(vlm: Vlm, folder: Path) -> Any:
    """Put a saved adapter into `vlm.model`, for inference."""
    from peft import PeftModel

    wrapped = PeftModel.from_pretrained(vlm.model, str(folder))
    vlm.model.requires_grad_(False)
    vlm.model.eval()
    return wrapped
