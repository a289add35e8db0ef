"""Load a VLM from a local folder: offline, safetensors only, the tower never quantised."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from realign_edge.errors import MissingError, UsageError
from realign_edge.files import fingerprint, from_json, sha256_file
from realign_edge.vlm.attention import use_shared_prefix
from realign_edge.vlm.family import Family, family_of
from realign_edge.vlm.find import find_model
from realign_edge.vlm.model import Quantization, Vlm
from realign_edge.vlm.processor import load_processor
from realign_edge.vlm.resolution import looking_at

__all__ = ["check_quantized", "find_model", "load_vlm", "quantized_modules"]

_TEXT_FILES = (
    "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "chat_template.json", "special_tokens_map.json",
)  # fmt: skip
_VISION_FILES = ("preprocessor_config.json", "processor_config.json")


def load_vlm(
    name: str,
    *,
    quantization: Quantization = "none",
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    photo_tokens: int = 0,
) -> Vlm:
    """Load model and processor for inference or for LoRA training; every parameter is frozen.

    dtype: of weights and activations; None: bfloat16 on a GPU, float32 on a CPU; photo_tokens: what a photo may
    take at the most, 0 = as the family's profile has it.

    Raises:
        MissingError: the folder is not there, is damaged, or holds an unsupported architecture.
        UsageError: `quantization` is not known, or this family's photos cannot be limited to `photo_tokens`.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    if dtype is None:
        dtype = torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16
    folder = find_model(name)
    config = _read_config(folder)
    family = family_at(folder, photo_tokens)
    model = _load_weights(folder, family, quantization, device, dtype)
    model.requires_grad_(False)
    model.eval()
    use_shared_prefix(model.get_submodule(family.language_model))
    weights = {p.name: sha256_file(p) for p in sorted(folder.glob("*.safetensors"))}
    text = {n: sha256_file(folder / n) for n in _TEXT_FILES if (folder / n).is_file()}
    vision = {n: sha256_file(folder / n) for n in _VISION_FILES if (folder / n).is_file()}
    limits = asdict(family.limits)
    tower = (config.get("vision_config"), vision, text, limits)
    return Vlm(
        model=model,
        processor=load_processor(folder, str(config.get("model_type", ""))),
        family=family,
        name=folder.name,
        fingerprint=fingerprint(weights, config, text, vision, limits, quantization, str(dtype)),
        vision_fingerprint=fingerprint(weights, *tower, str(dtype)),
        quantization=quantization,
    )


def family_at(folder: Path, photo_tokens: int = 0) -> Family:
    """The family of a model folder, with photos of at most so many tokens.

    Raises:
        MissingError: it is damaged, or no profile names its architecture.
        UsageError: its photos cannot be limited to `photo_tokens`.
    """
    return looking_at(family_of(str(_read_config(folder).get("model_type", "")), str(folder)), photo_tokens)


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        value = from_json((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise MissingError(f"{folder / 'config.json'} cannot be read: {problem}", "copy the model again") from problem
    if not isinstance(value, dict) or not any(folder.glob("*.safetensors")):
        raise MissingError(f"{folder} holds no safetensors weights", "convert the model to safetensors first")
    return value


def _load_weights(
    folder: Path, family: Family, quantization: Quantization, device: str, dtype: torch.dtype
) -> nn.Module:
    from transformers import AutoModelForImageTextToText

    settings: dict[str, Any] = {"dtype": dtype, "local_files_only": True, "use_safetensors": True}
    if quantization == "nf4":
        settings["quantization_config"] = _nf4(family, dtype)
        settings["device_map"] = {"": device}
    elif quantization != "none":
        raise UsageError(f"unknown quantisation `{quantization}`", "use `none` or `nf4`")
    try:
        model: nn.Module = AutoModelForImageTextToText.from_pretrained(folder, **settings)
    except (OSError, ValueError, KeyError, RuntimeError) as problem:
        raise MissingError(f"{folder} cannot be loaded: {problem}", "copy the model again and retry") from problem
    if type(model).__name__ not in family.model_classes:
        wanted = " or ".join(family.model_classes)
        raise MissingError(
            f"{folder}: {type(model).__name__} was loaded where {family.title} is a {wanted}",
            "use a checkpoint in the form that transformers itself reads",
        )
    if quantization == "nf4":
        check_quantized(model, family)
        return model
    return model.to(device)


def _nf4(family: Family, dtype: torch.dtype) -> Any:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=[family.vision_tower, family.projector, family.lm_head, *family.unquantized],
    )


def quantized_modules(model: nn.Module) -> tuple[str, ...]:
    """Names of the modules that hold 4-bit weights."""
    from bitsandbytes.nn.modules import Linear4bit

    return tuple(name for name, module in model.named_modules() if isinstance(module, Linear4bit))


def check_quantized(model: nn.Module, family: Family) -> None:
    """The decoder's linear layers are in 4 bit and nothing else is.

    The names given to bitsandbytes have silently missed modules before, so the result is checked.

    Raises:
        MissingError: the tower, the projector or the head was quantised, or the decoder was not.
    """
    quantized = set(quantized_modules(model))
    decoder = f"{family.language_model}."
    stray = sorted(name for name in quantized if not name.startswith(decoder))
    plain = sorted(
        name
        for name, module in model.named_modules()
        if name.startswith(decoder) and isinstance(module, nn.Linear) and name not in quantized
    )
    if stray or plain or not quantized:
        raise MissingError(
            f"4-bit loading went wrong: quantised outside the decoder {stray[:3]}, not quantised {plain[:3]}",
            "load the model with quantization = none",
        )
