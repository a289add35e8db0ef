"""An untrusted archive opened so that it cannot send the reader backwards or make it take much memory."""

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from realign_edge.carry.reading import AGAIN, reading
from realign_edge.errors import MissingError, RealignError

GZIP_MAGIC = b"\x1f\x8b"
PACK_ANEW = "pack the folder anew, with plain files only: tar -cf NAME.tar FOLDER"
_READ_MOST = 32 * 2**20
# Zeros that follow the last member; tar writes 10 KiB.
_PADDING_MOST = 2**20
_CONFUSED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class _Guarded:
    """A file that is read forwards, and never much at a time; allowed: bytes until the next refusal, None = any.

    tarfile reads long names, extended headers and maps of sparse files whole, of whatever size the archive
    claims, and follows a negative size backwards, for ever.
    """

    def __init__(self, path: Path, file: IO[bytes], raw: IO[bytes], seen: Callable[[int], None]) -> None:
        self._path, self._file, self._raw, self._seen = path, file, raw, seen
        self.allowed: int | None = None

    def read(self, size: int = -1) -> bytes:
        if self.allowed is not None:
            self.allowed -= size
        if not 0 <= size <= _READ_MOST or (self.allowed is not None and self.allowed < 0):
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


class Archive:
    """An open archive, to be gone through once."""

    def __init__(self, tar: tarfile.TarFile, guarded: _Guarded) -> None:
        self._tar, self._guarded = tar, guarded

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Its members; read the bytes of one before asking for the next."""
        while True:
            self._guarded.allowed = _READ_MOST
            try:
                member = self._tar.next()
            except _CONFUSED as problem:
                # What tarfile stumbles over in headers that no program writes.
                raise tarfile.ReadError(f"a header makes no sense: {problem}") from problem
            self._guarded.allowed = None
            if member is None:
                # Up to the end of a compressed file, where its checksum is compared.
                self._guarded.read(_PADDING_MOST)
                return
            yield member

    def file(self, member: tarfile.TarInfo) -> IO[bytes]:
        """The bytes of a regular member."""
        return cast("IO[bytes]", self._tar.extractfile(member))


@contextmanager
def opened(path: Path, seen: Callable[[int], None] = lambda _: None) -> Iterator[Archive]:
    """The archive, with one refusal for all the ways in which it can be damaged.

    seen: told how many bytes of the file have been read.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
            guarded = _Guarded(path, file, raw, seen)
            guarded.allowed = _READ_MOST
            with _first(cast("IO[bytes]", guarded)) as tar:
                yield Archive(tar, guarded)
    except RealignError:
        raise
    except (tarfile.TarError, EOFError, zlib.error) as problem:
        raise MissingError(f"{path} is damaged or not complete ({problem})", AGAIN) from problem


def _first(file: IO[bytes]) -> tarfile.TarFile:
    """Opening reads the first header, too."""
    try:
        return tarfile.open(fileobj=file, mode="r:")
    except _CONFUSED as problem:
        raise tarfile.ReadError(f"a header makes no sense: {problem}") from problem
