"""Photos that arrive in a folder as cameras and people bring them: copied slowly, renamed in, twice, or broken."""

import random
import threading
import time
from pathlib import Path

from realign_edge.files import sha256_bytes

# So many files wait in the folder at most, so that there is always something to do and never much.
MOST_WAITING = 8


def floor_photos(place: Path, count: int = 24, size: int = 192) -> list[bytes]:
    """JPEG files of a synthetic shop floor."""
    from realign_edge.progress import Silent
    from realign_edge.shopfloor.floor import write_floor

    write_floor(place, count, seed=5, size=size, progress=Silent())
    return [p.read_bytes() for p in sorted(place.rglob("*.jpg"))]


def renumbered(jpeg: bytes, number: int) -> bytes:
    """The same picture as another file: a comment segment (marker FFFE) with a number after the first marker."""
    text = b"%08d" % number
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


class Feeder(threading.Thread):
    """good: SHA-256 by name of every whole file that arrived, broken: of every one that ends early."""

    def __init__(self, folder: Path, photos: list[bytes], rng: random.Random) -> None:
        super().__init__(daemon=True)
        self._folder, self._photos, self._rng = folder, photos, rng
        self._stopping = threading.Event()
        self.good: dict[str, str] = {}
        self.broken: dict[str, str] = {}

    def run(self) -> None:
        """Bring one after the other until it is stopped."""
        number, last = 0, b""
        while not self._stopping.is_set():
            if sum(1 for _ in self._folder.glob("*.jpg")) >= MOST_WAITING:
                time.sleep(0.02)
                continue
            number += 1
            again = last and self._rng.random() < 0.05
            data = last if again else renumbered(self._rng.choice(self._photos), number)
            name = f"{number:06d}.jpg"
            if self._rng.random() < 0.03:
                data = data[: len(data) // 2]
                self.broken[name] = sha256_bytes(data)
            else:
                self.good[name] = sha256_bytes(data)
                last = data
            self._bring(name, data)

    def stop(self) -> None:
        """The file in hand is brought to its end."""
        self._stopping.set()
        self.join()

    def _bring(self, name: str, data: bytes) -> None:
        path = self._folder / name
        if self._rng.random() < 0.4:
            beside = self._folder / f".{name}"
            beside.write_bytes(data)
            beside.rename(path)
            return
        pause = self._rng.choice((0.0, 0.01, 0.1))
        with path.open("wb", buffering=0) as file:
            for start in range(0, len(data), 4096):
                file.write(data[start : start + 4096])
                time.sleep(pause)
