"""Verdicts become rows before anybody is shown them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from realign_edge.files import sha256_bytes
from realign_edge.photos.decode import decode
from realign_edge.photos.regular import Refusal, read_bytes
from realign_edge.results.model import Inspection, Refused
from realign_edge.results.store import Results
from realign_edge.results.thumbnails import keep_thumbnail, thumbnail_path
from realign_edge.station.arriving.arrivals import Arrival


def recorded(
    results: Results, home: Path, found: Iterable[Arrival], said: Iterable[Inspection | Refused]
) -> Iterator[Inspection | Refused]:
    """The same results in the same order, each with its row and its thumbnail written.

    A photo that is inspected again on request has a row for each time; what was refused before has one.

    Raises:
        RealignError: the row cannot be written.
    """
    for arrival, result in zip(found, said, strict=True):
        if isinstance(result, Inspection):
            _thumbnail(home, arrival.path, result.sha256)
            results.append(result)
        else:
            results.append_new(result)
        yield result


def _thumbnail(home: Path, path: Path, sha256: str) -> None:
    """A report does without a picture; what must not be lost is the row."""
    with suppress(Refusal, OSError):
        if not thumbnail_path(home, sha256).exists():
            data = read_bytes(path)
            # Another photo may have come under the same name since it was inspected.
            if sha256_bytes(data) == sha256:
                keep_thumbnail(home, sha256, decode(data))
