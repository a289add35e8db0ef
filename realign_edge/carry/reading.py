"""Files of a stick, read so that a failure names the file."""

from collections.abc import Iterator
from pathlib import Path

from realign_edge.errors import MissingError

CHUNK = 4 * 2**20
AGAIN = "copy it again, or name another folder or archive"


class reading:  # noqa: N801 - used as a verb
    """What the system says of a source that cannot be read becomes a refusal that names the file.

    Raises:
        MissingError: in place of the OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        if isinstance(problem, OSError):
            raise MissingError(f"{self._path} cannot be read: {problem.strerror or problem}", AGAIN) from problem


def chunks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, a few MiB at a time."""
    with reading(path), path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
