"""Making room: which runs would go, how much that frees, and their removal. A run that is going on never goes."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from realign_edge.runs.run import Run, remove_run


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be deleted. spared: of those that were named, the ones that are going on; size: bytes freed."""

    gone: tuple[Run, ...]
    spared: tuple[Run, ...]
    size: int


def removal(runs: Iterable[Run]) -> Removal:
    """Of these runs; measures their folders, which for many checkpoints takes a moment."""
    named = list(runs)
    spared = tuple(r for r in named if r.alive)
    gone = tuple(r for r in named if r not in spared)
    return Removal(gone, spared, sum(folder_bytes(r.folder) for r in gone))


def all_but(runs: Sequence[Run], keep: int) -> list[Run]:
    """Those that are not among the `keep` newest; runs: oldest first, as `list_runs` gives them."""
    return list(runs[: max(0, len(runs) - keep)])


def remove(planned: Removal, tell: Callable[[Run], None] = lambda _run: None) -> Removal:
    """Delete what was planned; a run that was taken up again since then is spared. tell: hears of each that is gone.

    Raises:
        OSError: a file cannot be deleted; the runs before it are gone.
    """
    gone: list[Run] = []
    spared, freed = list(planned.spared), 0
    for run in planned.gone:
        if run.alive:
            spared.append(run)
            continue
        size = folder_bytes(run.folder)
        remove_run(run)
        freed += size
        gone.append(run)
        tell(run)
    return Removal(tuple(gone), tuple(spared), freed)


def folder_bytes(folder: Path) -> int:
    """Bytes of the files below a folder; a file with several names counts once, what is gone meanwhile not at all."""
    sizes: dict[tuple[int, int], int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(os.path.join(place, name))  # noqa: PTH118 - a Path for each file takes longer
            except OSError:
                continue
            sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())
