"""From a photo to what the decoder is given of it, by the exported tower."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from realign_edge.bundle.contract import StationProfile
from realign_edge.errors import MissingError
from realign_edge.station.seeing.layout import Floats, Layout, Placed
from realign_edge.station.seeing.patches import grid_inputs, tokens_of
from realign_edge.station.seeing.pixels import Pixels, Rgb, pixels
from realign_edge.station.seeing.tiles import best_resolution, packed
from realign_edge.station.sessions import open_graph

Embedded = Callable[[tuple[int, ...]], Floats]


@dataclass(frozen=True, eq=False)
class View:
    """A photo as the model sees it. embedding: (d,), of unit length, for finding past photos; placed: its features with
    the tokens around them, as the decoder reads them.

    grid: rows and columns of its tokens where positions depend on them, else 0; deep: (layers, n, hidden), added to its
    tokens' states behind the first layers, in families that do so.
    """

    embedding: Floats
    placed: Placed
    grid: tuple[int, int] = (0, 0)
    deep: Floats | None = None

    @property
    def features(self) -> Floats:
        """(n, hidden), without the tokens around them."""
        return self.placed.states[self.placed.places]


class Eye:
    """The vision graph of a bundle, and what happens before and behind it."""

    def __init__(self, folder: Path, profile: StationProfile, threads: int, layout: Layout, embedded: Embedded) -> None:
        """embedded: token ids to embeddings (1, length, hidden)."""
        self._folder, self._profile, self._layout, self._embedded = folder, profile, layout, embedded
        self._vision = open_graph(folder, profile, "vision_encoder", threads)
        self._newline = _newline(folder, profile.preprocess.get("newline"))

    def see(self, rgb: Rgb) -> View:
        """Look at a photo; rgb: (H, W, 3) uint8.

        Raises:
            Refusal: the photo's shape is beyond the model.
        """
        look = pixels(rgb, self._profile.preprocess)
        deep = ["deepstack_features"] if self._profile.deep_layers else []
        feeds = {"pixel_values": look.values} | grid_inputs(look.grid, self._profile.preprocess)
        features, embedding, *layers = self._vision.run(["image_features", "image_embedding", *deep], feeds)
        placed = self._packed(features, look)
        if self._profile.image_tokens not in (0, len(placed)):
            raise MissingError(
                f"{self._folder}: the vision graph makes {len(placed)} features of a photo where the profile says "
                f"{self._profile.image_tokens}", "export the bundle again"
            )  # fmt: skip
        pooled = {"first": embedding[0], "mean": embedding.mean(axis=0), "features": placed.mean(axis=0)}
        embedded = _unit(pooled[self._profile.embedding_rows])
        stands = self._layout.placed(placed, look.cut, self._embedded)
        return View(embedded, stands, tokens_of(look.grid, self._profile.preprocess), *layers)

    def _packed(self, features: Floats, look: Pixels) -> Floats:
        """Features in the order in which they stand in the prompt."""
        table = self._profile.preprocess
        if table["kind"] != "tiles":
            return np.ascontiguousarray(features.reshape(-1, features.shape[-1]))
        target = best_resolution(look.size, table["resolutions"])
        return packed(features, look.size, target, table["tile"], self._newline, table.get("most_tiles", 0))


def _newline(folder: Path, name: str | None) -> Floats:
    """The vector that ends a line of tiles; empty where there are none."""
    return np.zeros(0, np.float32) if name is None else np.load(folder / name, allow_pickle=False)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
