"""Golden photos: a few held-out ones with what the exported model says of them, for the self-test of a station."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from realign_edge.bundle.contract import GOLDEN, GOLDEN_PHOTOS, Golden, GoldenPhoto
from realign_edge.files import write_atomic, write_json
from realign_edge.photos.decode import read_photo
from realign_edge.photos.model import Photo
from realign_edge.photos.same import read_same
from realign_edge.station.decoding.model import StationModel
from realign_edge.station.inspecting.inspector import DESCRIBE

# Larger photos are shrunk, once and without loss afterwards, so that a bundle stays small.
_LONGEST_EDGE = 1024
# Processors with other instructions round int8 and float sums otherwise; a wrong model is far below both.
MIN_COSINE, MIN_AGREEMENT = 0.99, 0.8


def write_golden(folder: Path, photos: Sequence[Photo], model: StationModel) -> None:
    """Write `golden/` for these photos.

    Raises:
        MissingError: a photo can no longer be read, or is another one.
    """
    (folder / GOLDEN_PHOTOS).mkdir(parents=True, exist_ok=True)
    found = tuple(_golden(folder / GOLDEN_PHOTOS, photo, model) for photo in photos)
    write_json(folder / GOLDEN, asdict(Golden(found, MIN_COSINE, MIN_AGREEMENT)))


def _golden(folder: Path, photo: Photo, model: StationModel) -> GoldenPhoto:
    image = read_same(photo)
    image.thumbnail((_LONGEST_EDGE, _LONGEST_EDGE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    name = f"{photo.sha256}.png"
    write_atomic(folder / name, buffer.getvalue())
    view = model.see(np.asarray(read_photo(folder / name)))
    answer = model.answer(view, model.profile.questions[DESCRIBE])
    embedding = tuple(round(float(x), 7) for x in view.embedding)
    return GoldenPhoto(name, DESCRIBE, answer.ids, embedding)
