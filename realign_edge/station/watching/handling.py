"""Where a watched file goes once its row is written. Nothing is ever deleted or written over."""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from realign_edge.files import beside_of, opened_beside, sync_folder, write_atomic
from realign_edge.photos.text import is_clean_name
from realign_edge.station.watching.intake import Found, Stamp


class Replaced(Exception):  # noqa: N818 - a camera may do so, and the new photo is then taken
    """Another file has come under the same name since this one was read."""


def move(found: Found, target: Path, digest: str, note: Callable[[Path], None]) -> Path:
    """Move a file below `target`, under the name that it has below the watched folder; where it lies then.

    digest: of its bytes; tells it from another file that has its name there already; note: hears of the file beside
    its place that a copy to another disk is written into, before it is.

    Raises:
        Replaced: the file is not the one that was read; it stays where it is.
        OSError: it cannot be moved.
    """
    if stamp_of(found.path) != found.stamp:
        raise Replaced
    name = found.name if is_clean_name(found.name) else found.name.replace("\\", "_")
    wanted = target / name
    wanted.parent.mkdir(parents=True, exist_ok=True)
    place = next(p for p in _names(wanted, digest) if not os.path.lexists(p))
    try:
        found.path.rename(place)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        _carry(found, place, note)
    if stamp_of(place)[:2] != found.stamp[:2]:
        # It was replaced between the look and the move: what came after belongs back, to be taken in its turn.
        with suppress(OSError):
            if not os.path.lexists(found.path):
                place.rename(found.path)
        raise Replaced
    return place


def explain_beside(place: Path, reason: str, said_at: str, note: Callable[[Path], None]) -> None:
    """Write why a file was refused into a text file beside it; note: as for `move`.

    Raises:
        OSError: it cannot be written.
    """
    text = place.with_name(place.name + ".txt")
    note(beside_of(text))
    write_atomic(text, f"{reason}\nrefused at {said_at}\n")


def stamp_of(path: Path) -> Stamp:
    """Size, time of the last write in ns, inode.

    Raises:
        OSError: it is not there any longer.
    """
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def _names(wanted: Path, digest: str) -> Iterator[Path]:
    """The wanted name, then others that no file has by chance."""
    yield wanted
    mark = digest[:8] or "other"
    for number in count(1):
        more = "" if number == 1 else f"-{number}"
        yield wanted.with_name(f"{wanted.stem}-{mark}{more}{wanted.suffix}")


def _carry(found: Found, place: Path, note: Callable[[Path], None]) -> None:
    """To another disk: copied whole and safe before the original goes."""
    beside = beside_of(place)
    note(beside)
    try:
        with found.path.open("rb") as photo, opened_beside(beside) as file:
            shutil.copyfileobj(photo, file, 2**20)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(os.fstat(photo.fileno()).st_mode) & 0o777)
            os.utime(file.fileno(), ns=(found.stamp[1], found.stamp[1]))
            os.fsync(file.fileno())
        if stamp_of(found.path) != found.stamp:
            raise Replaced
        beside.rename(place)
        sync_folder(place.parent)
        found.path.unlink()
    finally:
        beside.unlink(missing_ok=True)
