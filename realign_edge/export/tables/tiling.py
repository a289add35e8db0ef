"""Tables of the station's preprocessing for image processors that cut photos into tiles, or pad them to a square."""

from collections.abc import Callable, Mapping
from typing import Any

from realign_edge.errors import UsageError
from realign_edge.vlm.resolution import Limits


def canvas(processor: Any, images: Any, limits: Limits) -> dict[str, Any]:
    """InternVL. Whether photos are cut its processor says, and where it does not, its image processor."""
    called = getattr(processor, "images_kwargs", None) or {}
    cuts = called.get("crop_to_patches", images.crop_to_patches)
    most = limits.max_patches or int(images.max_patches)
    size = [int(images.size["height"]), int(images.size["width"])]
    # One tile at the most is the whole photo, whatever the least number.
    if not cuts or most < 2:
        return {"kind": "resize", "size": size}
    return {"kind": "canvas", "size": size, "least": int(images.min_patches), "most": most}


def split(_: Any, images: Any, limits: Limits) -> dict[str, Any]:  # noqa: ARG001 - the checkpoint alone says it
    """Idefics3, SmolVLM and SmolVLM2."""
    tile, longest = images.max_image_size["longest_edge"], images.size["longest_edge"]
    if not longest:
        raise UsageError("the station cuts photos that are brought to a longest edge alone", "see export")
    cuts = bool(images.do_image_splitting)
    return {"kind": "split", "longest_edge": int(longest), "tile": int(tile), "split": cuts}


def whole(_: Any, images: Any, limits: Limits) -> dict[str, Any]:  # noqa: ARG001
    """Gemma 3: the whole photo in one size, whatever its shape; crops beside it are asked for by nobody."""
    return {"kind": "resize", "size": [int(images.size["height"]), int(images.size["width"])]}


def fit(_: Any, images: Any, limits: Limits) -> dict[str, Any]:  # noqa: ARG001
    """Janus."""
    edge = int(images.size["height"])
    if edge != int(images.size["width"]) or not images.do_pad:
        raise UsageError("the station pads photos to a square alone", "see export")
    return {"kind": "fit", "edge": edge, "shortest": int(images.min_size)}


TABLES: Mapping[str, Callable[[Any, Any, Limits], dict[str, Any]]] = {
    "GotOcr2ImageProcessor": canvas, "Idefics3ImageProcessor": split, "SmolVLMImageProcessor": split,
    "Gemma3ImageProcessor": whole, "JanusImageProcessor": fit,
}  # fmt: skip
