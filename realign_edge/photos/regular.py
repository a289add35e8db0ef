"""Read one file of a photo folder: a regular file, bounded in size, every failure a plain reason."""

import errno
import os
import stat
from pathlib import Path

MAX_BYTES = 200_000_000

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_WHY = {
    errno.EACCES: "no permission to read the file",
    errno.EPERM: "no permission to read the file",
    errno.ELOOP: "a link that leads in a circle",
}


class Refusal(Exception):  # noqa: N818 - it is not a mistake of ours, it is what the file deserves
    """A file that is not taken; the text is the reason, in plain words.

    `passing` is True where the file may well be readable next time without having changed
    (permissions, a network mount, a copy in progress): such a refusal is not remembered.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


def stat_regular(path: Path) -> os.stat_result:
    """Facts about a regular file, links followed; nothing is opened.

    Raises:
        Refusal: not there, or a folder, pipe, socket or device.
    """
    try:
        facts = path.stat()
    except OSError as problem:
        if isinstance(problem, FileNotFoundError) and path.is_symlink():
            raise Refusal("a link to a file that is not there", passing=True) from None
        raise Refusal(_why(problem, "cannot be opened"), passing=True) from None
    if not stat.S_ISREG(facts.st_mode):
        kind = _KINDS.get(stat.S_IFMT(facts.st_mode), "something else")
        raise Refusal(f"not a regular file ({kind})", passing=True)
    return facts


def stays_inside(path: Path, folder: Path) -> None:
    """What a link leads to is read where it lies in the folder of photos alone: whoever may put photos there must not
    have others looked at that this user may read.

    Raises:
        Refusal: it leads elsewhere.
    """
    try:
        inside = not path.is_symlink() or path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # Python 3.11 and 3.12 say RuntimeError of a circle
        raise Refusal(_WHY[errno.ELOOP], passing=True) from None
    if not inside:
        raise Refusal("a link to a file outside the photo folder", passing=True)


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file of 1 to `limit` bytes.

    Raises:
        Refusal: not a regular file, empty, too large, not readable, or changing while it is read.
    """
    _within(stat_regular(path).st_size, limit)
    try:
        # Not blocking: what was a file a moment ago may have become a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as problem:
        raise Refusal(_why(problem, "cannot be opened"), passing=True) from None
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise Refusal("not a regular file", passing=True)
        _within(before.st_size, limit)
        try:
            data = file.read(limit + 1)
        except OSError as problem:
            raise Refusal(_why(problem, "cannot be read"), passing=True) from None
        after = os.fstat(file.fileno())
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, len(data)):
        raise Refusal("was still being written; the next scan reads it", passing=True)
    return data


def _within(size: int, limit: int) -> None:
    if size == 0:
        raise Refusal("the file is empty")
    if size > limit:
        raise Refusal(f"larger than {limit // 1_000_000} MB")


def _why(problem: OSError, otherwise: str) -> str:
    return _WHY.get(problem.errno or 0, f"{otherwise} ({problem.strerror or problem})")
