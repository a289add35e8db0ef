"""Photos are cut, padded and packed bit for bit as transformers' Pillow processors and models do it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.errors import UsageError
from realign_edge.export.tables.preprocess import preprocess_of
from realign_edge.station.seeing.cuts import longest_size
from realign_edge.station.seeing.pixels import pixels
from realign_edge.station.seeing.tiles import best_resolution, packed
from realign_edge.vlm.resolution import Limits

# (height, width): any, and what is a line, a column, a dot, exactly one tile, or large.
SIZES = [
    *np.random.default_rng(21).integers(9, 500, (16, 2)).tolist(),
    [1, 1], [1, 300], [400, 1], [2, 900], [33, 1200], [1400, 30], [52, 52], [75, 75], [80, 80], [96, 128], [1500, 2000],
]  # fmt: skip
POINTS = [[48 * rows, 48 * columns] for rows in range(1, 5) for columns in range(1, 5)]


def _internvl(**more: Any) -> Any:
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    return GotOcr2ImageProcessorPil(size={"height": 56, "width": 56}, **more)


def _idefics3(longest: int = 208, tile: int = 52, **more: Any) -> Any:
    from transformers import Idefics3ImageProcessorPil

    return Idefics3ImageProcessorPil(size={"longest_edge": longest}, max_image_size={"longest_edge": tile}, **more)


def _smolvlm() -> Any:
    from transformers import SmolVLMImageProcessorPil

    return SmolVLMImageProcessorPil(size={"longest_edge": 200}, max_image_size={"longest_edge": 48})


def _onevision() -> Any:
    from transformers import LlavaOnevisionImageProcessorPil

    return LlavaOnevisionImageProcessorPil(size={"height": 48, "width": 48}, image_grid_pinpoints=POINTS)


def _gemma3() -> Any:
    from transformers import Gemma3ImageProcessorPil

    return Gemma3ImageProcessorPil(size={"height": 64, "width": 64})


def _janus() -> Any:
    from transformers import JanusImageProcessorPil

    return JanusImageProcessorPil(size={"height": 48, "width": 48})


PROCESSORS: Mapping[str, Callable[[], Any]] = {
    "internvl": lambda: _internvl(crop_to_patches=True, max_patches=6),
    "internvl, 2 to 12 tiles": lambda: _internvl(crop_to_patches=True, min_patches=2, max_patches=12),
    "internvl, one tile": lambda: _internvl(crop_to_patches=True, max_patches=1),
    "internvl, uncut": _internvl,
    "idefics3": _idefics3,
    "idefics3, uncut": lambda: _idefics3(do_image_splitting=False),
    "idefics3, one tile": lambda: _idefics3(52),
    "smolvlm": _smolvlm,
    "llava_onevision": _onevision,
    "gemma3": _gemma3,
    "janus": _janus,
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_pixels_are_bit_equal(name: str) -> None:
    processor = PROCESSORS[name]()
    table = preprocess_of(processor)
    rng = np.random.default_rng(3)
    for height, width in SIZES:
        photo = rng.integers(0, 256, (height, width, 3), np.uint8)
        theirs = processor(Image.fromarray(photo), return_tensors="np")["pixel_values"]
        ours = pixels(photo, table)
        assert ours.values.dtype == np.float32
        assert np.array_equal(ours.values, theirs.reshape(-1, *theirs.shape[-3:])), (height, width)
        rows, columns = ours.cut
        tiles = len(ours.values) - (1 if table["kind"] == "tiles" or rows * columns > 1 else 0)
        assert table["kind"] == "tiles" or tiles == rows * columns


@pytest.mark.parametrize("longest", [364, 1456, 2048, 5000])
def test_no_photo_becomes_longer_than_idefics_makes_it(longest: int) -> None:
    from transformers.models.idefics3.image_processing_pil_idefics3 import get_resize_output_image_size

    for height, width in [*SIZES, [3, 8000], [6000, 5999]]:
        theirs = get_resize_output_image_size(np.zeros((3, height, width), np.uint8), longest)
        assert longest_size((height, width), longest) == theirs


def test_a_run_limits_the_tiles() -> None:
    processor = _internvl(crop_to_patches=True, max_patches=12)
    photo = np.zeros((900, 1200, 3), np.uint8)
    for most in (1, 2, 4, 9):
        theirs = processor(Image.fromarray(photo), return_tensors="np", max_patches=most)["pixel_values"]
        assert len(pixels(photo, preprocess_of(processor, Limits(max_patches=most))).values) == len(theirs)


def test_what_the_station_does_not_do_is_refused() -> None:
    whole = _idefics3()
    whole.size = {"height": 52, "width": 52, "longest_edge": None}
    with pytest.raises(UsageError, match="longest edge"):
        preprocess_of(whole)
    unpadded = _janus()
    unpadded.do_pad = False
    with pytest.raises(UsageError, match="square"):
        preprocess_of(unpadded)


@pytest.mark.parametrize("most", [1, 3, 9])
def test_packed_tiles_are_those_of_llava_onevision(most: int) -> None:
    from transformers import LlavaOnevisionConfig
    from transformers.models.llava_onevision.modeling_llava_onevision import LlavaOnevisionModel

    config: Any = LlavaOnevisionConfig(image_grid_pinpoints=POINTS)
    config.vision_config.image_size, config.vision_config.patch_size = 48, 6

    class Holder:
        pass

    holder = Holder()
    holder.config = config  # type: ignore[attr-defined]
    newline = np.arange(5, dtype=np.float32)
    scaled = 0
    for height, width in SIZES:
        target = best_resolution((height, width), POINTS)
        tiles = target[0] * target[1] // 48**2
        features = np.random.default_rng(height).normal(size=(1 + tiles, 64, 5)).astype(np.float32)
        theirs, _ = LlavaOnevisionModel.pack_image_features(
            holder,  # type: ignore[arg-type]
            [torch.from_numpy(features)],
            torch.tensor([[height, width]]),
            torch.from_numpy(newline),
            f"anyres_max_{most}",
        )
        ours = packed(features, (height, width), target, 48, newline, most)
        assert ours.dtype == np.float32
        # Where it is scaled down, products of two weights are added in another order.
        assert np.abs(ours - theirs[0].numpy()).max() < 1e-5
        scaled += len(ours) < len(packed(features, (height, width), target, 48, newline))
    assert scaled > 3 or most == 9
