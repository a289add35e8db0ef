"""What a model is taken from: its files by name, the beginning of each, and their bytes in one pass."""

import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from realign_edge.carry.reading import chunks_of, reading
from realign_edge.errors import MissingError
from realign_edge.files import from_json

# The longest text that is looked into; a tokenizer may be longer and is not.
TEXT_MOST = 4 * 2**20
# A checkpoint in the cache of the hub's own tools: organisation, name, commit.
CACHED = re.compile(r"models--([^/]+?)--([^/]+)/snapshots/([0-9a-f]{40})")
COPY_AGAIN = "copy the model again, or name another folder or archive"


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file of the model folder. size: bytes; changed: its time of change, whole seconds since 1970."""

    name: str
    size: int
    changed: int


class Source(Protocol):
    """A model folder, wherever it lies. Only regular files right in the folder count."""

    @property
    def where(self) -> Path:
        """The path that a person named."""

    @property
    def label(self) -> str:
        """What it calls the model."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Its files by name."""

    def head(self, name: str, most: int) -> bytes:
        """The first `most` bytes of a file, fewer where it is shorter."""

    def stream(self, names: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The bytes of each file, to be read in the order given out."""


class FolderSource:
    """A folder, also on a read-only stick. Links are followed: the hub's cache is made of them."""

    def __init__(self, folder: Path) -> None:
        self.where = folder
        place = folder.resolve()
        cached = CACHED.search(place.as_posix())
        self.label = cached[2] if cached else place.name
        self.entries: dict[str, Entry] = {}
        with reading(folder):
            for path in sorted(folder.iterdir()):
                about = path.stat() if path.exists() else path.lstat()
                if stat.S_ISREG(about.st_mode):
                    self.entries[path.name] = Entry(path.name, about.st_size, int(about.st_mtime))

    def head(self, name: str, most: int) -> bytes:
        """The first bytes of a file."""
        with reading(self.where / name), (self.where / name).open("rb") as file:
            return file.read(most)

    def stream(self, names: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Small files first, so that a damaged one is found before the weights are copied."""
        for name in sorted(names, key=lambda n: (self.entries[n].size, n)):
            yield name, chunks_of(self.where / name)


class WithLicence:
    """Another source with the licence text from a file beside it."""

    NAME = "LICENSE"

    def __init__(self, source: Source, licence: Path) -> None:
        self._source, self._licence = source, licence
        with reading(licence):
            about = licence.stat()
        self.where, self.label = source.where, source.label
        self.entries = {**source.entries, self.NAME: Entry(self.NAME, about.st_size, int(about.st_mtime))}

    def head(self, name: str, most: int) -> bytes:
        """The first bytes of a file."""
        if name != self.NAME:
            return self._source.head(name, most)
        with reading(self._licence), self._licence.open("rb") as file:
            return file.read(most)

    def stream(self, names: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The licence, then the others."""
        if self.NAME in names:
            yield self.NAME, chunks_of(self._licence)
        yield from self._source.stream([n for n in names if n != self.NAME])


def read_json(source: Source, name: str) -> Mapping[str, Any]:
    """A JSON object of the model folder; empty where there is no such file.

    Raises:
        MissingError: the file is there and is no JSON object.
    """
    if name not in source.entries:
        return {}
    try:
        value = from_json(source.head(name, TEXT_MOST))
    except (ValueError, RecursionError) as problem:
        raise MissingError(f"{source.where}: {name} is damaged: {problem}", COPY_AGAIN) from problem
    if not isinstance(value, dict):
        raise MissingError(f"{source.where}: {name} holds no JSON object", COPY_AGAIN)
    return value


def renamed(entry: Entry, name: str) -> Entry:
    """The same file under another name."""
    return replace(entry, name=name)
