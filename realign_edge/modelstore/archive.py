"""A model in a `.tar` or `.tar.gz`. Its members are untrusted: what is odd is refused by name, nothing is unpacked.

The archive is read from front to back twice: once to judge every member, once to copy the wanted ones. Neither
pass writes where a member says; the copy chooses its own names.
"""

import re
import tarfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath

from realign_edge.carry.guarded import Archive, opened
from realign_edge.carry.members import chunks, judge, plain, refusal
from realign_edge.errors import MissingError
from realign_edge.modelstore.header import header_bytes
from realign_edge.modelstore.source import COPY_AGAIN, TEXT_MOST, Entry, renamed

_MEMBERS_MOST = 10_000
_KEPT_MOST = 256 * 2**20
_TEXTS = (".json", ".jinja", ".md", ".txt", "")


class TarSource:
    """An archive that holds one model folder. room: bytes that the largest member may have.

    Raises:
        MissingError: a member is odd, or the archive is damaged or holds no single model folder.
    """

    def __init__(self, path: Path, room: int, seen: Callable[[int], None] = lambda _: None) -> None:
        self.where, self._names = path, dict[str, str]()
        found, heads = _judge(path, room, seen)
        root = _root(path, found)
        self.entries: dict[str, Entry] = {}
        self._heads: dict[str, bytes] = {}
        for name, entry in found.items():
            inner = PurePosixPath(name)
            if inner.parent == root:
                self.entries[inner.name] = renamed(entry, inner.name)
                self._names[name] = inner.name
                self._heads[inner.name] = heads.get(name, b"")
        self.label = root.name or re.sub(r"\.(tar\.gz|tgz|tar)$", "", path.name)

    def head(self, name: str, most: int) -> bytes:
        """What the first pass kept: texts, and the headers of weights."""
        return self._heads[name][:most]

    def stream(self, names: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The wanted members, in the order of the archive."""
        with opened(self.where) as tar:
            for member in tar:
                name = self._names.get(plain(member.name))
                if name is not None and name in names and member.isreg():
                    yield name, chunks(tar, member)


def _judge(path: Path, room: int, seen: Callable[[int], None]) -> tuple[dict[str, Entry], dict[str, bytes]]:
    """Every regular member by its plain name, and what the checks will read of it."""
    found: dict[str, Entry] = {}
    heads: dict[str, bytes] = {}
    kept = 0

    def take(tar: Archive, name: str, member: tarfile.TarInfo) -> None:
        nonlocal kept
        found[name] = Entry(name, member.size, int(member.mtime))
        heads[name] = _head(tar, member)
        kept += len(heads[name])
        if kept > _KEPT_MOST:
            raise refusal(path, member, "brings more text than a model has")

    judge(path, room, _MEMBERS_MOST, "model", take, seen)
    return found, heads


def _head(tar: Archive, member: tarfile.TarInfo) -> bytes:
    """Texts whole, of weights the header, of others nothing."""
    suffix = PurePosixPath(member.name).suffix.lower()
    file = tar.file(member)
    if suffix == ".safetensors":
        return header_bytes(file.read)
    return file.read(TEXT_MOST) if suffix in _TEXTS and member.size <= TEXT_MOST else b""


def _root(path: Path, found: dict[str, Entry]) -> PurePosixPath:
    """The folder with the config.json that lies least deep."""
    folders = [PurePosixPath(name).parent for name in found if PurePosixPath(name).name == "config.json"]
    if not folders:
        raise MissingError(f"{path} holds no model: there is no config.json in it", COPY_AGAIN)
    least = min(len(folder.parts) for folder in folders)
    several = sorted(str(folder) for folder in folders if len(folder.parts) == least)
    if len(several) > 1:
        raise MissingError(f"{path} holds several models: {', '.join(several)}", "pack one model an archive")
    return PurePosixPath(several[0])
