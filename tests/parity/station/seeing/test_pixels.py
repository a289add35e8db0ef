"""The station's pixels are bit for bit those of transformers' Pillow processors."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from realign_edge.errors import UsageError
from realign_edge.export.tables.preprocess import preprocess_of
from realign_edge.photos.regular import Refusal
from realign_edge.station.seeing.pixels import pixels
from realign_edge.station.seeing.tiles import best_resolution, packed

SIZES = np.random.default_rng(20).integers(9, 700, (20, 2)).tolist()


def _photo(height: int, width: int) -> NDArray[np.uint8]:
    """Smooth enough that resizing has something to do, rough enough that every value occurs."""
    rng = np.random.default_rng([height, width])
    coarse = rng.integers(0, 256, (max(2, height // 7), max(2, width // 7), 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR))
    noise: NDArray[np.uint8] = rng.integers(0, 8, smooth.shape, np.uint8)
    return smooth ^ noise


def _processors() -> dict[str, Any]:
    from transformers import (
        CLIPImageProcessorPil,
        LlavaImageProcessorPil,
        LlavaNextImageProcessorPil,
        Qwen2VLImageProcessorPil,
        SiglipImageProcessorPil,
    )

    edge: dict[str, Any] = {"size": {"shortest_edge": 112}, "crop_size": {"height": 112, "width": 112}}
    resolutions = [[112, 224], [224, 112], [224, 224], [336, 112], [112, 336]]
    return {
        "clip": CLIPImageProcessorPil(**edge),
        "llava": LlavaImageProcessorPil(**edge),
        "llava, padded": LlavaImageProcessorPil(**edge, do_pad=True),
        "siglip": SiglipImageProcessorPil(size={"height": 128, "width": 96}),
        "llava_next": LlavaNextImageProcessorPil(**edge, image_grid_pinpoints=resolutions),
        "qwen2_vl": Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 60}),
    }


@pytest.mark.parametrize("name", ["clip", "llava", "llava, padded", "siglip", "llava_next", "qwen2_vl"])
def test_pixels_are_bit_equal(name: str) -> None:
    processor = _processors()[name]
    table = preprocess_of(processor)
    for height, width in SIZES:
        photo = _photo(height, width)
        theirs = processor(Image.fromarray(photo), return_tensors="np")
        ours = pixels(photo, table)
        expected = theirs["pixel_values"][0] if name == "llava_next" else theirs["pixel_values"]
        assert ours.values.dtype == np.float32
        assert np.array_equal(ours.values, expected), (height, width)
        if "image_grid_thw" in theirs:
            assert ours.grid == tuple(theirs["image_grid_thw"][0])


def test_packed_tiles_are_those_of_llava_next() -> None:
    import torch
    from transformers import LlavaNextConfig
    from transformers.models.llava_next.modeling_llava_next import LlavaNextModel

    resolutions = [[112, 224], [224, 112], [224, 224], [336, 112], [112, 336]]
    config: Any = LlavaNextConfig(image_grid_pinpoints=resolutions)
    config.vision_config.image_size, config.vision_config.patch_size = 112, 14

    class Holder:
        pass

    holder = Holder()
    holder.config = config  # type: ignore[attr-defined]
    newline = np.arange(5, dtype=np.float32)
    for height, width in SIZES:
        target = best_resolution((height, width), resolutions)
        tiles = target[0] * target[1] // 112**2
        features = np.random.default_rng(height).normal(size=(1 + tiles, 64, 5)).astype(np.float32)
        theirs, _ = LlavaNextModel.pack_image_features(
            holder,  # type: ignore[arg-type]
            [torch.from_numpy(features)],
            torch.tensor([[height, width]]),
            "default",
            torch.from_numpy(newline),
        )
        assert np.array_equal(packed(features, (height, width), target, 112, newline), theirs[0].numpy())


def test_a_photo_that_would_become_enormous_is_refused() -> None:
    table = preprocess_of(_processors()["clip"])
    with pytest.raises(Refusal, match="long and narrow"):
        pixels(np.zeros((8, 2_000_000, 3), np.uint8), table)


def test_a_processor_without_counterpart_is_named() -> None:
    from transformers import Idefics2ImageProcessorPil

    with pytest.raises(UsageError, match="Idefics2ImageProcessor"):
        preprocess_of(Idefics2ImageProcessorPil())
