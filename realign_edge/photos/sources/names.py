"""Which photo a record means: paths written on other systems, or from another folder, still find theirs."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from realign_edge.photos.text import folded


class PhotoNames:
    """Photo names below `root`, found by how a record writes them.

    A written path is a photo's name, or the end of its full path (`001.png`, `lot1/001.png`, or an
    absolute path), compared without regard to case, backslashes and decomposed accents. An end that fits
    two photos fits none; `lot2/001.png` never finds `lot1/001.png`.
    """

    def __init__(self, root: Path, names: Iterable[str], refused: Iterable[str] = ()) -> None:
        self._exact = set(names)
        self._refused = {folded(n) for n in refused}
        self._tails: dict[str, str] = {}
        for name in sorted(self._exact):
            parts = folded(name).split("/")
            for tail in {"/".join(parts[i:]) for i in range(len(parts))}:
                self._tails[tail] = "" if tail in self._tails else name
        above = folded(root.as_posix()).strip("/").split("/")
        self._above = tuple("/".join(above[i:]) + "/" for i in range(len(above)))

    def find(self, written: str) -> str | None:
        """The photo's name; "" for a file that was refused; None where there is no such photo, or more than one."""
        path = str(PurePosixPath(written.replace("\\", "/"))) if written else ""
        if path in self._exact:
            return path
        loose = folded(path).lstrip("/")
        candidates = [loose, *(loose.removeprefix(a) for a in self._above if loose.startswith(a))]
        for candidate in candidates:
            if name := self._tails.get(candidate):
                return name
        return "" if any(c in self._refused for c in candidates) else None
