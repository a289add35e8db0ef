"""The last lines of a run's log file."""

from pathlib import Path

from realign_edge.photos.text import clean

_BYTES, _LINES, _WIDTH = 16 * 2**10, 100, 1000


class LogFile:
    """Reads the end of a file again when it has changed."""

    def __init__(self) -> None:
        self._seen: tuple[str, int, int] = ("", 0, 0)
        self._lines: tuple[str, ...] = ()

    def tail(self, path: str) -> tuple[str, ...]:
        """At most 100 lines, without control characters; none where there is no such file."""
        if not path:
            return ()
        try:
            with Path(path).open("rb") as file:
                about = Path(path).stat()
                seen = (path, about.st_size, about.st_mtime_ns)
                if seen != self._seen:
                    start = max(about.st_size - _BYTES, 0)
                    file.seek(start)
                    self._seen, self._lines = seen, _lines(file.read(_BYTES), start > 0)
        except (OSError, ValueError):
            return ()
        return self._lines


def _lines(data: bytes, cut: bool) -> tuple[str, ...]:
    lines = data.decode("utf-8", "replace").splitlines()[1 if cut else 0 :]
    return tuple(clean(line)[:_WIDTH] for line in lines[-_LINES:])
