"""`station.json`, read into its dataclass with every problem named."""

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from realign_edge.bundle.contract import GRAPHS, STATION, Precision, StationProfile
from realign_edge.errors import MissingError
from realign_edge.files import from_json
from realign_edge.station.seeing.patches import table_problems

_MOST_BYTES = 5_000_000
_OPTIONAL = ("thresholds", "embedding_rows", "layout", "both_ways", "deep_layers")
_NUMBERS = (
    "image_token_id", "image_tokens", "layers", "kv_heads", "head_dim", "hidden", "vocabulary", "context",
    "max_new_tokens",
)  # fmt: skip
FIELDS = tuple(f.name for f in fields(StationProfile))
_CHOICES = {
    "language": ("en", "ja"),
    "positions": ("linear", "mrope"),
    "cache": ("shared", "grown"),
    "embedding_rows": ("first", "mean", "features"),
    "both_ways": ("nothing", "photo", "prompt"),
}


def read_profile(folder: Path) -> StationProfile:
    """The profile of the bundle in `folder`.

    Raises:
        MissingError: it is not there, or says something that makes no sense.
    """
    path = folder / STATION
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        values = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise MissingError(f"{path} cannot be read: {problem}", "install the bundle again") from problem
    problems = _problems(values)
    if problems:
        raise MissingError(f"{path}: " + "; ".join(problems), "install the bundle again, or export it anew")
    return StationProfile(**{**values, "eos_token_ids": tuple(values["eos_token_ids"])})


def _problems(values: Any) -> list[str]:
    if not isinstance(values, Mapping):
        return ["it holds no object"]
    found = [f"`{n}` is missing" for n in FIELDS if n not in values and n not in _OPTIONAL]
    found += [f"unknown key `{n}`" for n in sorted(values.keys() - set(FIELDS))]
    if found:
        return found
    found = [f"`{n}` must be a whole number" for n in _NUMBERS if not _is_count(values[n])]
    if not _is_count(values.get("deep_layers", 0)):
        found.append("`deep_layers` must be a whole number")
    found += [f"`{n}` must be one of {', '.join(c)}" for n, c in _CHOICES.items() if values.get(n, c[0]) not in c]
    if not isinstance(values["eos_token_ids"], list) or not all(map(_is_count, values["eos_token_ids"])):
        found.append("`eos_token_ids` must be a list of whole numbers")
    precisions = values["precisions"]
    if not isinstance(precisions, Mapping) or {*precisions} != {*GRAPHS}:
        found.append(f"`precisions` must name {', '.join(GRAPHS)}")
    elif any(p not in get_args(Precision) for p in precisions.values()):
        found.append(f"`precisions` must be of {', '.join(get_args(Precision))}")
    for name in ("preprocess", "questions", "layout"):
        if not isinstance(values.get(name, {}), Mapping):
            found.append(f"`{name}` must be an object")
    found += _patch_problems(values)
    thresholds = values.get("thresholds", {})
    if not isinstance(thresholds, Mapping) or not all(map(_is_finite, thresholds.values())):
        # Compared with NaN, every photo is as it should be.
        found.append("`thresholds` must be finite numbers")
    return found


def _patch_problems(values: Mapping[str, Any]) -> list[str]:
    table = values["preprocess"]
    patches = isinstance(table, Mapping) and table.get("kind") == "patches"
    found = table_problems(table) if patches else []
    if values["positions"] == "mrope" and not patches:
        found.append("`positions` on several axes need a `preprocess` of patches")
    if values["positions"] == "mrope" and values.get("layout"):
        found.append("`layout` must be empty where a photo's rows and columns have positions of their own")
    return found


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
