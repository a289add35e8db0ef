"""The station's preprocessing table (`preprocess` of station.json), derived from a loaded image processor."""

from collections.abc import Callable, Mapping
from typing import Any

from realign_edge.errors import UsageError
from realign_edge.export.tables.tiling import TABLES as _TILING
from realign_edge.vlm.resolution import Limits

_CENTRE = ("CLIPImageProcessor", "LlavaImageProcessor")
_STEPS = ("do_resize", "do_rescale", "do_normalize")


def preprocess_of(processor: Any, limits: Limits | None = None) -> dict[str, Any]:
    """What realign_edge/station/seeing/pixels.py does for the photos of this model.

    processor: a transformers image processor, or a processor that has one; limits: of the family's profile.

    Raises:
        UsageError: this processor has no counterpart on the station.
    """
    images = getattr(processor, "image_processor", processor)
    name = type(images).__name__.removesuffix("Fast").removesuffix("Pil")
    missing = [step for step in _STEPS if not getattr(images, step, False)]
    if name not in {*_TABLES, *_TILING} or missing:
        why = f"without {', '.join(missing)}" if missing else f"of the kind {name}"
        raise UsageError(
            f"the station has no preprocessing for an image processor {why}",
            "docs/bundles.md names the families that can be exported",
        )
    size = _plain(images.size) | (limits.as_arguments().get("size", {}) if limits else {})
    common = {
        "resample": int(images.resample),
        "scale": float(images.rescale_factor),
        "mean": [float(m) for m in images.image_mean],
        "std": [float(s) for s in images.image_std],
    }
    if name in _TILING:
        return {**_TILING[name](processor, images, limits or Limits()), **common}
    return {**_TABLES[name](images, size), **common}


def _centre(images: Any, size: Mapping[str, int]) -> dict[str, Any]:
    if "shortest_edge" not in size:
        return _whole(images, size)
    crop = _plain(images.crop_size)
    edges = [crop["height"], crop["width"]]
    if not images.do_center_crop or max(edges) > size["shortest_edge"]:
        raise UsageError("the station only takes the middle of a photo that is at least as large", "see export")
    kind = "pad_crop" if getattr(images, "do_pad", False) else "crop"
    return {"kind": kind, "shortest_edge": size["shortest_edge"], "crop": edges}


def _whole(_: Any, size: Mapping[str, int]) -> dict[str, Any]:
    return {"kind": "resize", "size": [size["height"], size["width"]]}


def _tiles(images: Any, size: Mapping[str, int]) -> dict[str, Any]:
    edge = size.get("shortest_edge")
    whole = [edge, edge] if edge else [size["height"], size["width"]]
    tile = _plain(images.crop_size or {}).get("height") or whole[0]
    if whole != [tile, tile]:
        raise UsageError("the station takes tiles as large as the overview alone", "see export")
    resolutions = [[int(n) for n in r] for r in images.image_grid_pinpoints]
    return {"kind": "tiles", "size": whole, "tile": tile, "resolutions": resolutions}


def _patches(images: Any, size: Mapping[str, int]) -> dict[str, Any]:
    numbers = {"patch": images.patch_size, "merge": images.merge_size, "frames": images.temporal_patch_size}
    return {"kind": "patches", "least": size["shortest_edge"], "most": size["longest_edge"], **numbers}


def _plain(size: Any) -> dict[str, int]:
    """A size as transformers keeps it, without what it does not say."""
    names = ("height", "width", "shortest_edge", "longest_edge")
    found = {n: size[n] if isinstance(size, Mapping) else getattr(size, n, None) for n in names if n in size}
    return {n: int(v) for n, v in found.items() if v}


_TABLES: Mapping[str, Callable[[Any, Mapping[str, int]], dict[str, Any]]] = {
    **dict.fromkeys(_CENTRE, _centre),
    "SiglipImageProcessor": _whole,
    "LlavaNextImageProcessor": _tiles,
    "LlavaOnevisionImageProcessor": _tiles,
    "Qwen2VLImageProcessor": _patches,
}
