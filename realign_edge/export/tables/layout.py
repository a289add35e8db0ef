"""How photos stand in prompts, found by showing the processor photos of every way in which it cuts them.

The station is given the token ids themselves, so that nothing of a family's spelling is written twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from realign_edge.errors import RealignError
from realign_edge.station.seeing.layout import ANY, key_of
from realign_edge.station.seeing.pixels import pixels
from realign_edge.vlm.model import Vlm

# (height, width): large and small, lying, upright and long.
_SHAPES = ((192, 256), (256, 192), (128, 320), (1200, 1600))


@dataclass(frozen=True)
class Places:
    """layout: of station.json, {} where features stand alone; features: of a photo, 0 where photos differ."""

    layout: Mapping[str, Any]
    features: int


def places_of(vlm: Vlm, preprocess: Mapping[str, Any]) -> Places:
    """Show it photos; preprocess: the station's table.

    Raises:
        RealignError: the station would see other pixels than the processor, or photos that are cut alike stand
            otherwise in a prompt.
    """
    between: dict[str, list[list[int]]] = {}
    counts = set()
    for shape in [*_SHAPES, *_cuts(preprocess)]:
        tokens, cut = _shown(vlm, preprocess, shape)
        found = _apart(tokens, vlm.image_token_id)
        if between.setdefault(key_of(cut), found) != found:
            raise RealignError(f"{vlm.family.title}: photos of {key_of(cut)} tiles stand otherwise in prompts", _TELL)
        counts.add(tokens.count(vlm.image_token_id))
    lists = list(between.values())
    if all(found == lists[0] for found in lists) and len(lists[0]) == 2:
        between = {ANY: lists[0]}
    before, _, gone = vlm.wording.margins
    plain = between == {ANY: [[], []]} and gone == [vlm.image_token_id]
    layout = {} if plain else {"replaced": gone, "placeholder": before, "between": between}
    return Places(layout, counts.pop() if len(counts) == 1 else 0)


_TELL = "report the model's family; the run and its adapter are unharmed"


def _shown(vlm: Vlm, table: Mapping[str, Any], shape: tuple[int, int]) -> tuple[list[int], tuple[int, int]]:
    """The ids that stand for a photo of this shape, and the rows and columns that it is cut into."""
    rgb = np.random.default_rng(shape).integers(0, 256, (*shape, 3), np.uint8)
    look, ours = vlm.look(Image.fromarray(rgb)), pixels(rgb, table)
    theirs = look.inputs["pixel_values"].numpy()
    if not np.array_equal(theirs.reshape(-1, *ours.values.shape[1:]), ours.values):
        raise RealignError(f"{vlm.family.title}: the station would see other pixels than the processor", _TELL)
    return look.tokens.tolist(), ours.cut


def _cuts(table: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Shapes of photos for every grid of tiles, where each has its own tokens (kind "split")."""
    if table["kind"] != "split" or not table["split"]:
        return []
    tile = int(table["tile"])
    most = -(-int(table["longest_edge"]) // tile)
    # Half a tile short of a whole one, so that rounding does not matter.
    short = [count * tile - tile // 2 for count in range(1, most + 1)]
    return [shape for edge in short for shape in ((most * tile, edge), (edge, most * tile))]


def _apart(tokens: list[int], photo: int) -> list[list[int]]:
    """What stands before, between and behind the runs of the photo's placeholder."""
    found: list[list[int]] = [[]]
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token != photo:
            found[-1].append(token)
        elif before != photo:
            found.append([])
    return found
