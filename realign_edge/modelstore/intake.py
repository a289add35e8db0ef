"""May this model be taken in? Judged from names, sizes and headers, before a byte is copied; nothing is executed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from realign_edge.errors import MissingError
from realign_edge.modelstore.source import COPY_AGAIN, TEXT_MOST, Source, read_json
from realign_edge.modelstore.weights import check_weights
from realign_edge.vlm.family import Family, family_of

LICENCE_STEMS = ("license", "licence", "copying")
MANIFEST = "manifest.json"
_COPIED = (".json", ".jinja", ".txt", ".md", ".model")
_TEXTS_BESIDE = (*LICENCE_STEMS, "notice", "use_policy")
_PROCESSOR = "processor_config.json"
_IMAGES = "preprocessor_config.json"
_TOKENIZER = "tokenizer_config.json"


@dataclass(frozen=True, slots=True)
class Intake:
    """A model that may be taken in. files: names to copy; left_out: names of files that stay behind."""

    family: Family
    files: tuple[str, ...]
    left_out: tuple[str, ...]


def inspect(source: Source) -> Intake:
    """Every check that names, sizes and headers allow.

    Raises:
        MissingError: the model is refused; the message says why, the hint what to do.
    """
    config = _config(source)
    family = family_of(str(config.get("model_type", "")), str(source.where))
    if quantised := config.get("quantization_config"):
        kind = quantised.get("quant_method") if isinstance(quantised, dict) else quantised
        raise MissingError(
            f"{source.where}: the weights are quantised already ({kind})",
            "take the checkpoint in full precision; realign-edge quantises it when it loads",
        )
    shards = check_weights(source, family)
    _check_tokenizer(source)
    _check_processor(source, family)
    _check_no_code(source)
    if not any(is_licence(name) for name in source.entries):
        raise _no_licence(source)
    files = tuple(sorted(n for n in source.entries if n in shards or _is_text(n)))
    return Intake(family, files, tuple(sorted(source.entries.keys() - set(files))))


def is_licence(name: str) -> bool:
    """LICENSE, LICENSE.txt, LICENCE.md, COPYING and the like."""
    path = PurePosixPath(name.lower())
    return path.suffix in ("", ".txt", ".md") and path.stem.startswith(LICENCE_STEMS)


def _config(source: Source) -> Mapping[str, Any]:
    if "config.json" in source.entries:
        return read_json(source, "config.json")
    if "adapter_config.json" in source.entries:
        raise MissingError(
            f"{source.where} holds an adapter, not a whole model", "name the folder of the model it belongs to"
        )
    below = source.where.glob("*/config.json") if source.where.is_dir() else ()
    inner = sorted(str(path.parent) for path in below)
    hint = f"name the folder itself: {inner[0]}" if inner else "name a folder in the layout of the Hugging Face hub"
    raise MissingError(f"{source.where} is no model folder: there is no config.json in it", hint)


def _check_tokenizer(source: Source) -> None:
    missing = [n for n in ("tokenizer.json", _TOKENIZER) if not _there(source, n)]
    if missing:
        raise MissingError(f"{source.where}: the tokenizer lacks {' and '.join(missing)}", COPY_AGAIN)


def _check_processor(source: Source, family: Family) -> None:
    if not _there(source, _IMAGES) and "image_processor" not in read_json(source, _PROCESSOR):
        raise MissingError(
            f"{source.where} does not say how photos are prepared: no {_IMAGES}", "copy the model with this file"
        )
    if family.prompt_function != "chat":
        return
    template = read_json(source, "chat_template.json").get("chat_template")
    if _there(source, "chat_template.jinja") or template or read_json(source, _PROCESSOR).get("chat_template"):
        return
    elsewhere = bool(read_json(source, _TOKENIZER).get("chat_template"))
    raise MissingError(
        f"{source.where}: the processor has no chat template"
        + (f" (only {_TOKENIZER} has one, which the processor does not read)" if elsewhere else ""),
        "put the template into a file chat_template.jinja in the model folder"
        if elsewhere
        else "take a checkpoint with a chat_template.jinja: the one tuned for instructions, not the base model",
    )


def _check_no_code(source: Source) -> None:
    """Code beside config.json is not needed: transformers has every class that a profile names."""
    for name in (_TOKENIZER, _PROCESSOR, _IMAGES):
        if "auto_map" in read_json(source, name):
            raise MissingError(
                f"{source.where}: {name} asks for program code from the model folder, which is never run",
                "take the checkpoint in the layout of transformers itself (on the hub its name often ends in -hf)",
            )


def _no_licence(source: Source) -> MissingError:
    stated = stated_licence(_text(source, "README.md"))
    says = f" (its README.md states `{stated}`)" if stated else ""
    return MissingError(
        f"{source.where} holds no licence text{says}: nobody could tell later what the model may be used for",
        "save the text in the folder as LICENSE, or name it with --licence FILE",
    )


def stated_licence(readme: str) -> str:
    """The identifier in the head of a model card (between two lines of `---`); "" where none is stated."""
    lines = readme.splitlines()
    if not lines or lines[0].strip() != "---":
        return ""
    for line in lines[1:]:
        if line.strip() == "---":
            return ""
        key, _, value = line.partition(":")
        if key == "license":
            return value.strip().strip("\"'").lower()
    return ""


def _text(source: Source, name: str) -> str:
    return source.head(name, TEXT_MOST).decode("utf-8", "replace") if name in source.entries else ""


def _there(source: Source, name: str) -> bool:
    return name in source.entries and source.entries[name].size > 0


def _is_text(name: str) -> bool:
    """Files that are copied beside the weights: never code, never what is hidden."""
    path = PurePosixPath(name.lower())
    if name.startswith(".") or name == MANIFEST or name.endswith(".index.json"):
        return False
    return path.suffix in _COPIED or (path.suffix == "" and path.stem.startswith(_TEXTS_BESIDE))
