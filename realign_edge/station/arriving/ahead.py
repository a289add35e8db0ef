"""The next photo is read, hashed and decoded while the model looks at the one before it.

Decoding a camera's photo takes longer than inspecting it with a small model, and leaves the interpreter free meanwhile.
"""

from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realign_edge.files import sha256_bytes
from realign_edge.photos.decode import decode
from realign_edge.photos.regular import Refusal, read_bytes, stays_inside
from realign_edge.station.arriving.arrivals import Arrival


@dataclass(frozen=True, eq=False)
class Opened:
    """A file that was read. sha256: "" where it could not be; rgb: (H, W, 3) uint8, or why there is none."""

    arrival: Arrival
    sha256: str
    rgb: NDArray[np.uint8] | Refusal


def opened_ahead(found: Iterable[Arrival]) -> Generator[Opened, None, None]:
    """Each file in turn. One at most is opened ahead: a large photo takes 240 MB of memory."""
    with ThreadPoolExecutor(1, thread_name_prefix="photos") as pool:
        coming: Future[Opened] | None = None
        for arrival in found:
            following = pool.submit(_open, arrival)
            if coming is not None:
                yield coming.result()
            coming = following
        if coming is not None:
            yield coming.result()


def _open(arrival: Arrival) -> Opened:
    sha256 = ""
    try:
        if arrival.reason:
            raise Refusal(arrival.reason)
        if arrival.folder is not None:
            stays_inside(arrival.path, arrival.folder)
        data = read_bytes(arrival.path)
        sha256 = sha256_bytes(data)
        return Opened(arrival, sha256, np.asarray(decode(data)))
    except Refusal as refusal:
        return Opened(arrival, sha256, refusal)
