"""A small file system in memory, whose room is counted in pages and in files, and how much of it a command takes."""

import itertools
import mmap
import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PAGE = 4096
SIZE, MOST_FILES = "400m", 200_000
# A disk is full when no page is left, or when it can hold no further file, folder or link.
Kind = Literal["pages", "files"]
KINDS: tuple[Kind, ...] = ("pages", "files")
_FORM = "QQ"
_NOTES = 2**16


@dataclass(frozen=True)
class Disk:
    """Mounted at `folder` in this process's mount namespace."""

    folder: Path

    def mount(self) -> None:
        """Begin with an empty one."""
        self.folder.mkdir(exist_ok=True)
        self._mount("-t", "tmpfs", "-o", f"size={SIZE},nr_inodes={MOST_FILES}", "tmpfs")

    def used(self) -> tuple[int, int]:
        """Pages, and files, folders and links together."""
        room = os.statvfs(self.folder)
        return (room.f_blocks - room.f_bfree) * room.f_bsize // PAGE, room.f_files - room.f_ffree

    @contextmanager
    def narrow(self, kind: Kind, free: int) -> Iterator[None]:
        """Meanwhile so many pages are free, or so many further files are possible."""
        pages, files = self.used()
        size, inodes = f"size={(pages + free) * PAGE}", f"nr_inodes={files + free}"
        self._mount("-o", f"remount,{inodes if kind == 'files' else size}")
        try:
            yield
        finally:
            self._mount("-o", f"remount,size={SIZE},nr_inodes={MOST_FILES}")

    def _mount(self, *words: str) -> None:
        subprocess.run(["mount", *words, str(self.folder)], check=True)


class Trace:
    """What was in use before each write of a command, noted by the forked process that runs it."""

    def __init__(self, disk: Disk) -> None:
        self._disk, self._notes, self._n = disk, mmap.mmap(-1, struct.calcsize(_FORM) * (_NOTES + 1)), 0
        self._put(0)

    def note(self) -> None:
        """In the forked process, before a write, and in this one at the end."""
        n = self.count + 1
        if n <= _NOTES - 1:
            struct.pack_into(_FORM, self._notes, n * struct.calcsize(_FORM), *self._disk.used())
            self._put(n)

    @property
    def count(self) -> int:
        """How many notes there are."""
        return int(struct.unpack_from(_FORM, self._notes)[0])

    def of(self, kind: Kind) -> list[int]:
        """Pages or files in use, note after note."""
        size = struct.calcsize(_FORM)
        found = [struct.unpack_from(_FORM, self._notes, n * size) for n in range(1, self.count + 1)]
        return [int(pair[KINDS.index(kind)]) for pair in found]

    def _put(self, n: int) -> None:
        struct.pack_into(_FORM, self._notes, 0, n, 0)


def steps(used: Sequence[int]) -> list[int]:
    """With how much room to run a command, so that the room ends at each of its writes; used: before each write.

    All that came before a write has room, and what it adds has none, only half of it, or all but the last page.
    """
    levels, peak = [0], 0
    for now in used:
        if now - used[0] > peak:
            peak = now - used[0]
            levels.append(peak)
    found = {0}
    for below, above in itertools.pairwise(levels):
        found |= {below, below + (above - below) // 2, above - 1}
    return sorted(found)


def evenly(wanted: Sequence[int], most: int) -> list[int]:
    """Of more than `most`, the first and the last, and so many between them."""
    if len(wanted) <= most:
        return list(wanted)
    return sorted({wanted[round(n * (len(wanted) - 1) / (most - 1))] for n in range(most)})
