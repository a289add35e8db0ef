"""Does a bundle answer on this machine as it did on the workstation? Asked of the golden photos that it brings."""

from pathlib import Path

import numpy as np

from realign_edge.bundle.contract import GOLDEN, GOLDEN_PHOTOS, Golden, GoldenPhoto
from realign_edge.config.load import from_values
from realign_edge.errors import MissingError, RealignError
from realign_edge.files import from_json
from realign_edge.photos.decode import read_photo
from realign_edge.photos.regular import Refusal
from realign_edge.station.inspecting.inspector import Inspector

_MOST_BYTES = 50_000_000


def self_test(folder: Path) -> None:
    """Load the bundle whole, as `inspect` does, and ask it about its golden photos.

    Raises:
        RealignError: it cannot be loaded, or says something else than on the workstation.
    """
    golden = _read(folder)
    inspector = Inspector(folder)
    agreements = [_agreement(inspector, photo, golden.min_cosine) for photo in golden.photos]
    mean = float(np.mean(agreements))
    if mean < golden.min_agreement:
        raise RealignError(
            f"of what it should say about {len(agreements)} golden photos it says {mean:.0%} "
            f"(at least {golden.min_agreement:.0%} is asked for)"
        )


def _agreement(inspector: Inspector, golden: GoldenPhoto, min_cosine: float) -> float:
    """Share of the expected tokens up to the first that differs, in [0, 1]."""
    try:
        rgb = np.asarray(read_photo(inspector.folder / GOLDEN_PHOTOS / golden.photo))
    except Refusal as problem:
        raise RealignError(f"the golden photo {golden.photo} cannot be read: {problem}") from problem
    view = inspector.model.see(rgb)
    cosine = float(view.embedding @ np.asarray(golden.embedding, np.float32))
    if cosine < min_cosine:
        raise RealignError(
            f"it sees the golden photo {golden.photo} otherwise (cosine {cosine:.4f}, at least {min_cosine:.4f})"
        )
    question = inspector.profile.questions[golden.question]
    return common(golden.ids, inspector.model.answer(view, question).ids)


def common(expected: tuple[int, ...], said: tuple[int, ...]) -> float:
    """Share of `expected`, its end included, that `said` begins with, in [0, 1]."""
    shorter = min(len(expected), len(said))
    same = next((i for i in range(shorter) if expected[i] != said[i]), shorter)
    ended = same == len(expected) == len(said)
    return (same + ended) / (len(expected) + 1)


def _read(folder: Path) -> Golden:
    path = folder / GOLDEN
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        golden = from_values(Golden, from_json(path.read_text(encoding="utf-8")), str(path))
    except (OSError, ValueError) as problem:
        raise MissingError(f"{path} cannot be read: {problem}", "export the bundle again") from problem
    if not golden.photos:
        raise MissingError(f"{path} names no golden photo", "export the bundle again")
    return golden
