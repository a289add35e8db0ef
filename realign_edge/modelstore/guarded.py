"""An untrusted archive opened so that it cannot send the reader backwards or make it take much memory."""

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from realign_edge.errors import MissingError, RealignError
from realign_edge.modelstore.source import COPY_AGAIN, reading

GZIP_MAGIC = b"\x1f\x8b"
PACK_ANEW = "pack the model folder anew, with plain files only: tar -cf model.tar FOLDER"
_READ_MOST = 32 * 2**20


class _Guarded:
    """A file that is read forwards, and never much at a time.

    tarfile reads long names and extended headers in one go, of whatever size the archive claims, and follows
    a negative size backwards, for ever.
    """

    def __init__(self, path: Path, file: IO[bytes], raw: IO[bytes], seen: Callable[[int], None]) -> None:
        self._path, self._file, self._raw, self._seen = path, file, raw, seen

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _READ_MOST:
            raise MissingError(f"{self._path}: a header claims {size:,} bytes; nothing was copied", PACK_ANEW)
        with reading(self._path):
            data = self._file.read(size)
        self._seen(self._raw.tell())
        return data

    def seek(self, to: int) -> int:
        at = self._file.tell()
        if to < at:
            raise MissingError(f"{self._path}: a header points backwards; nothing was copied", PACK_ANEW)
        # In steps, so that the way through a compressed file is told of.
        for step in range(at, to, _READ_MOST):
            with reading(self._path):
                self._file.seek(min(step + _READ_MOST, to))
            self._seen(self._raw.tell())
        return to

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def opened(path: Path, seen: Callable[[int], None] = lambda _: None) -> Iterator[tarfile.TarFile]:
    """The archive, with one refusal for all the ways in which it can be damaged."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
            guarded = cast("IO[bytes]", _Guarded(path, file, raw, seen))
            with tarfile.open(fileobj=guarded, mode="r:") as tar:
                yield tar
    except RealignError:
        raise
    except (tarfile.TarError, EOFError, zlib.error) as problem:
        raise MissingError(f"{path} is damaged or not complete ({problem})", COPY_AGAIN) from problem
