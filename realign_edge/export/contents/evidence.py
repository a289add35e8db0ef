"""What a station shows beside a verdict: the past photos, as vectors, records and thumbnails."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from realign_edge.bundle.contract import INDEX_RECORDS, INDEX_VECTORS, THUMBNAILS
from realign_edge.files import write_atomic
from realign_edge.glossary.model import Glossary
from realign_edge.photos.model import Photo
from realign_edge.photos.same import read_same
from realign_edge.progress import Progress
from realign_edge.station.decoding.model import StationModel
from realign_edge.station.evidence.past import past_photo, record_line

LONGEST_EDGE, _QUALITY = 320, 85


def write_evidence(
    folder: Path,
    photos: Sequence[Photo],
    glossary: Glossary,
    model: StationModel,
    progress: Progress,
    like: Path | None = None,
) -> None:
    """Write `index/`. The vectors are those of the graph that stations see with, so that both are of one kind.

    like: a folder in which that was done for the same photos by another graph: its thumbnails are linked.

    Raises:
        MissingError: a photo can no longer be read, or is another one.
    """
    ordered = sorted(photos, key=lambda p: p.sha256)
    progress.start("Past photos", len(ordered))
    (folder / THUMBNAILS).parent.mkdir(parents=True, exist_ok=True)
    if like is None:
        (folder / THUMBNAILS).mkdir(exist_ok=True)
    else:
        (folder / THUMBNAILS).symlink_to((like / THUMBNAILS).resolve())
    vectors, lines = [], []
    for done, photo in enumerate(ordered, 1):
        image = read_same(photo)
        vectors.append(model.see(np.asarray(image)).embedding)
        lines.append(record_line(past_photo(photo, glossary)) + "\n")
        if like is None:
            write_atomic(folder / THUMBNAILS / f"{photo.sha256}.jpg", thumbnail(image))
        progress.advance(done)
    buffer = io.BytesIO()
    np.save(buffer, np.stack(vectors).astype(np.float32), allow_pickle=False)
    write_atomic(folder / INDEX_VECTORS, buffer.getvalue())
    write_atomic(folder / INDEX_RECORDS, "".join(lines))
    progress.finish()


def thumbnail(image: Image.Image) -> bytes:
    """JPEG of an RGB photo, its longest edge at most LONGEST_EDGE pixels."""
    small = image.copy()
    small.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
