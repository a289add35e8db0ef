"""What stands for "without the photo" when a claim is weighed (station/evidence/grounding.py)."""

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np

from realign_edge.station.decoding.model import StationModel
from realign_edge.station.evidence.past import PastPhotos
from realign_edge.station.seeing.eye import View

BLANK = "blank"
# Photos of one camera have the same few neighbours; a large model's view of one takes 10 MB.
_KEPT = 16


class References:
    """Views of past photos, and of none."""

    def __init__(self, model: StationModel, past: PastPhotos) -> None:
        self._model, self._past = model, past
        self._view = lru_cache(maxsize=_KEPT)(self._seen)

    def find(self, claimed: set[str], near: Sequence[tuple[int, float]], part: str = "") -> tuple[View, str]:
        """The nearest past photo whose record names none of the claimed defects, and its name.

        Of the same part if there is one; a grey picture, `BLANK`, where there is no such photo or no picture of it.
        near: rows and similarities, best first.
        """
        photos = self._past.photos
        free = [r for r, _ in near if photos[r].known and not claimed & set(photos[r].defects)]
        free.sort(key=lambda row: photos[row].part != part)
        for row in free:
            if (view := self._view(row)) is not None:
                return view, photos[row].name
        return self.blank, BLANK

    def _seen(self, row: int) -> View | None:
        picture = self._past.picture(row)
        return None if picture is None else self._model.see(picture)

    @cached_property
    def blank(self) -> View:
        """A grey picture, in the colour that preprocessing takes for the middle."""
        grey = np.asarray([round(255 * m) for m in self._model.profile.preprocess["mean"]], np.uint8)
        return self._model.see(np.broadcast_to(grey, (256, 256, 3)))
