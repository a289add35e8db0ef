"""Copying into a folder beside its place, which is renamed in the end: it is there whole, or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realign_edge.carry.sizes import MIB, gib
from realign_edge.errors import RealignError, explain

_SUFFIX = ".adding"
# Beside the files: the manifest, folders, and what a file system keeps for itself.
_SPARE = 16 * MIB


def never() -> bool:
    """Nobody asks for an end."""
    return False


@contextmanager
def staging(folder: Path, name: str) -> Iterator[Path]:
    """A new folder beside `folder`/`name` that is gone in the end, unless it was renamed.

    Raises:
        RealignError: in place of what the system says of a full disk and the like.
    """
    place = folder / f".{name}{_SUFFIX}"
    try:
        place.mkdir(mode=0o700)
        yield place
    except OSError as problem:
        words, hint = explain(problem) or (
            problem.strerror or str(problem),
            "look at the disk, then run the same command again",
        )
        raise RealignError(f"copying {name} failed, and nothing is left of it: {words}", hint) from problem
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Take away what killed copies left; the caller holds the lock, so that no live one is meant."""
    for place in folder.glob(f".*{_SUFFIX}"):
        shutil.rmtree(place, ignore_errors=True)


def check_room(folder: Path, needed: int, what: str = "the model") -> None:
    """Raise unless `needed` bytes fit on the disk of `folder`.

    Raises:
        RealignError: they do not.
    """
    free = shutil.disk_usage(folder).free
    if needed + _SPARE > free:
        raise RealignError(
            f"{what} takes {gib(needed)}, and {gib(free)} are free at {folder}: nothing was copied",
            "free some space, or set REALIGN_EDGE_HOME to a larger disk",
        )
