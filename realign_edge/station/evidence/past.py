"""The past photos that a bundle carries: their vectors, records and thumbnails, searched exactly."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realign_edge.bundle.contract import INDEX_RECORDS, INDEX_VECTORS, THUMBNAILS
from realign_edge.errors import MissingError
from realign_edge.files import from_json
from realign_edge.glossary.facts import facts_of
from realign_edge.glossary.model import Glossary
from realign_edge.photos.decode import read_photo
from realign_edge.photos.model import Photo
from realign_edge.photos.regular import Refusal
from realign_edge.results.model import Neighbour
from realign_edge.station.evidence.strange import sound_words


@dataclass(frozen=True, slots=True)
class PastPhoto:
    """One line of index/records.jsonl: a photo of the collection and what its record says, in the glossary's terms.

    known: the record says what is to be seen; then an empty `defects` means that none was found. `locations` are
    parallel to `defects`, "" where unknown.
    """

    sha256: str
    name: str
    note: str = ""
    part: str = ""
    defects: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    known: bool = False
    lot: str = ""
    serial: str = ""
    taken_at: str = ""


def past_photo(photo: Photo, glossary: Glossary) -> PastPhoto:
    """A photo of the workstation's collection as a station knows it."""
    facts, record = facts_of(photo.record, glossary), photo.record
    about = {n: getattr(record, n) for n in ("note", "lot", "serial", "taken_at")} if record else {}
    if facts is None:
        return PastPhoto(photo.sha256, photo.name, **about)
    seen: dict[str, Any] = {
        "part": facts.part,
        "defects": tuple(facts.defects),
        "locations": tuple(facts.defects.values()),
    }
    return PastPhoto(photo.sha256, photo.name, known=True, **seen, **about)


def record_line(photo: PastPhoto) -> str:
    """Its line in index/records.jsonl, without the line break."""
    return json.dumps(asdict(photo), ensure_ascii=False, sort_keys=True)


class PastPhotos:
    """vectors: (n, d) float32 of unit length, row i belongs to photos[i]."""

    def __init__(self, vectors: NDArray[np.float32], photos: Sequence[PastPhoto], thumbnails: Path) -> None:
        self.vectors, self.photos, self._thumbnails = vectors, tuple(photos), thumbnails

    def nearest(self, vector: NDArray[np.float32], k: int, without: str = "") -> list[tuple[int, float]]:
        """Rows and cosines of the k nearest photos, best first, ties by row; `without` is passed over."""
        cosines = np.asarray(self.vectors @ vector, np.float64)
        order = np.argsort(-cosines, kind="stable")[: k + 1]
        found = [(int(r), float(cosines[r])) for r in order if self.photos[r].sha256 != without]
        return found[:k]

    def neighbour(self, row: int, similarity: float) -> Neighbour:
        """A past photo as an inspection names it."""
        values = asdict(self.photos[row])
        del values["known"]
        return Neighbour(similarity=similarity, **values)

    def picture(self, row: int) -> NDArray[np.uint8] | None:
        """Its thumbnail, (H, W, 3) uint8 RGB; None where the bundle has none."""
        try:
            return np.asarray(read_photo(self._thumbnails / f"{self.photos[row].sha256}.jpg"))
        except Refusal:
            return None

    def sound_words(self, glossary: Glossary) -> frozenset[str] | None:
        """The words that records of good parts are written in; None where they tell too little."""
        return sound_words((p.note for p in self.photos if p.known and not p.defects), glossary)

    @cached_property
    def usual(self) -> Mapping[str, tuple[str, ...]]:
        """Part to the defects that past photos of it had, the most frequent first; "" for all parts together."""
        counts: dict[str, Counter[str]] = {"": Counter()}
        for photo in self.photos:
            for part in {"", photo.part}:
                counts.setdefault(part, Counter()).update(photo.defects)
        return {part: tuple(d for d, _ in found.most_common()) for part, found in counts.items()}


def load_past(folder: Path) -> PastPhotos:
    """The past photos of the bundle in `folder`.

    Raises:
        MissingError: the files are missing, damaged, or do not belong together.
    """
    try:
        vectors = np.load(folder / INDEX_VECTORS, allow_pickle=False, mmap_mode="r")
        lines = (folder / INDEX_RECORDS).read_text(encoding="utf-8").splitlines()
        photos = [_photo(from_json(line)) for line in lines if line.strip()]
        if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != len(photos):
            raise ValueError(f"{len(photos)} records for vectors {vectors.dtype} {vectors.shape}")
        if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
            raise ValueError("vectors are not of unit length")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
        raise MissingError(
            f"{folder}: the past photos cannot be read: {problem}", "install the bundle again"
        ) from problem
    return PastPhotos(vectors, photos, folder / THUMBNAILS)


def _photo(values: dict[str, Any]) -> PastPhoto:
    given: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
    return PastPhoto(**given)
