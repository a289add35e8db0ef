"""What lies in a watched folder, and which of it is ready to be read.

The folder is listed again and again: events of the kernel say nothing about what another machine puts on a network
mount, so that the listing is the truth. A file is looked into once nothing has changed it for a while, or once
something other than a write (a rename into the folder) was the last thing that happened to it.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from realign_edge.photos.scan import EXTENSIONS, OTHER_EXTENSIONS, RAW_EXTENSIONS
from realign_edge.photos.text import is_clean_name, shown

_PHOTOS = EXTENSIONS | OTHER_EXTENSIONS | RAW_EXTENSIONS
_LONGEST_WAIT_S = 60.0
# Size, time of the last write in ns, inode.
Stamp = tuple[int, int, int]


class FolderGone(Exception):  # noqa: N818 - it comes back, as a rule
    """The watched folder cannot be listed; the text is the system's reason."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is due. name: below the folder, with `/`, as it can be shown; reason: why it is never read, or "".

    watched_s: for how long it has been seen unchanged; quiet_s: that, or longer where its own times say so.
    """

    path: Path
    name: str
    stamp: Stamp
    watched_s: float
    quiet_s: float
    reason: str = ""


@dataclass(slots=True)
class _Known:
    """What is remembered of a file. since, due: seconds of the clock; tries: so many times it was put off; ready: it
    was due at the last look."""

    stamp: Stamp
    since: float
    due: float
    tries: int = 0
    done: bool = False
    ready: bool = False


class Intake:
    """A watched folder. Times are seconds; `clock` never goes back, `wall` is the time of files."""

    def __init__(
        self,
        folder: Path,
        leave_out: Sequence[Path] = (),
        settle_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """leave_out: folders below it that are not looked into; settle_s: how long a file must be left alone."""
        self.folder, self.settle_s = folder, settle_s
        self._leave_out = frozenset(leave_out)
        self._clock, self._wall = clock, wall
        self._known: dict[str, _Known] = {}
        self.closed: tuple[str, ...] = ()

    @property
    def waiting(self) -> int:
        """Files that were there at the last look and are not dealt with."""
        return sum(not k.done for k in self._known.values())

    @property
    def settling(self) -> int:
        """Files that are still written, as far as one can see: not due yet, and never put off."""
        return sum(not k.done and not k.due and not k.ready for k in self._known.values())

    def look(self) -> list[Found]:
        """List the folder; the files that are due, in the order in which they were written.

        `closed` names folders below it that could not be listed.

        Raises:
            FolderGone: the folder itself could not be.
        """
        before, self._known = self._known, {}
        due = list[Found]()
        try:
            for path, facts in self._files():
                key, stamp = str(path), (facts.st_size, facts.st_mtime_ns, facts.st_ino)
                known = before.get(key)
                if known is None or known.stamp != stamp:
                    known = _Known(stamp, self._clock(), 0.0)
                self._known[key] = known
                found = None if known.done else self._due(path, facts, known)
                known.ready = found is not None
                due += [found] if found is not None else []
        except FolderGone:
            self._known = before
            raise
        return sorted(due, key=lambda f: (f.stamp[1], f.name))

    def finish(self, found: Found) -> None:
        """It is dealt with, until it changes."""
        if (known := self._known.get(str(found.path))) is not None:
            known.done = True

    def put_off(self, found: Found) -> int:
        """Look at it again later, each time after twice the time; how often that was so."""
        known = self._known.get(str(found.path))
        if known is None:
            return 0
        known.due = self._clock() + min(max(self.settle_s, 0.1) * 2**known.tries, _LONGEST_WAIT_S)
        known.tries += 1
        return known.tries

    def forget(self, found: Found) -> None:
        """It has gone, or was moved."""
        self._known.pop(str(found.path), None)

    def _due(self, path: Path, facts: os.stat_result, known: _Known) -> Found | None:
        now = self._clock()
        watched = now - known.since
        age = self._wall() - max(facts.st_mtime, facts.st_ctime)
        quiet = max(watched, age)
        # Every write sets both times to the same moment; a later one of the inode is a rename, or a change of owner.
        renamed = facts.st_ctime_ns > facts.st_mtime_ns
        if now < known.due or not (renamed or quiet >= self.settle_s):
            return None
        name = path.relative_to(self.folder).as_posix()
        return Found(path, shown(name), known.stamp, watched, quiet, _never(name))

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        closed = list[str]()

        def refused(problem: OSError) -> None:
            place = Path(problem.filename or self.folder)
            if place == self.folder:
                raise FolderGone(problem.strerror or str(problem))
            closed.append(f"{shown(place.name)}/ ({problem.strerror})")

        for folder, folders, files in os.walk(self.folder, onerror=refused):
            here = Path(folder)
            folders[:] = sorted(f for f in folders if not f.startswith(".") and here / f not in self._leave_out)
            for file in files:
                if not file.startswith(".") and PurePosixPath(file).suffix.lower() in _PHOTOS:
                    # What vanishes in between was moved on by somebody, or is an upload that was given up.
                    try:
                        yield here / file, (here / file).stat()
                    except OSError:
                        continue
        self.closed = tuple(closed)


def _never(name: str) -> str:
    """Why a file of this name is not read."""
    if not is_clean_name(name):
        return "the name has characters that are no text; rename the file or its folder"
    if PurePosixPath(name).suffix.lower() in RAW_EXTENSIONS:
        return "a camera raw file; export it as TIFF or JPEG"
    return ""
