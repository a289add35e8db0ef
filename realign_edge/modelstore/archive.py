"""A model in a `.tar` or `.tar.gz`. Its members are untrusted: what is odd is refused by name, nothing is unpacked.

The archive is read from front to back twice: once to judge every member, once to copy the wanted ones. Neither
pass writes where a member says; the copy chooses its own names.
"""

import re
import tarfile
import unicodedata
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath

from realign_edge.errors import MissingError
from realign_edge.modelstore.guarded import GZIP_MAGIC, PACK_ANEW, Archive, opened
from realign_edge.modelstore.header import header_bytes
from realign_edge.modelstore.source import CHUNK, COPY_AGAIN, TEXT_MOST, Entry, renamed

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
                name = self._names.get(_plain(member.name))
                if name is not None and name in names and member.isreg():
                    yield name, _chunks(tar, member)


def is_archive(path: Path) -> bool:
    """Does the file begin like a tar or a gzip file?"""
    with path.open("rb") as file:
        start = file.read(512)
    return start.startswith(GZIP_MAGIC) or start[257:262] == b"ustar" or path.name.endswith(".tar")


def _judge(path: Path, room: int, seen: Callable[[int], None]) -> tuple[dict[str, Entry], dict[str, bytes]]:
    """Every regular member by its plain name, and what the checks will read of it."""
    found: dict[str, Entry] = {}
    heads: dict[str, bytes] = {}
    folded: set[str] = set()
    kept = 0
    with opened(path, seen) as tar:
        for count, member in enumerate(tar):
            if count >= _MEMBERS_MOST:
                raise MissingError(f"{path} holds more than {_MEMBERS_MOST:,} members: that is no model", PACK_ANEW)
            name = _plain(member.name)
            _refuse_odd(path, member, room)
            if member.isdir():
                continue
            same = unicodedata.normalize("NFC", name).casefold()
            if same in folded:
                raise _refusal(path, member, "stands in it twice")
            folded.add(same)
            found[name] = Entry(name, member.size, int(member.mtime))
            heads[name] = _head(tar, member)
            kept += len(heads[name])
            if kept > _KEPT_MOST:
                raise _refusal(path, member, "brings more text than a model has")
    return found, heads


def _refuse_odd(path: Path, member: tarfile.TarInfo, room: int) -> None:
    """Raise unless this is a regular file or a folder with a name that stays inside and a size that fits."""
    name = member.name
    parts = PurePosixPath(name).parts
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        raise _refusal(path, member, "has an absolute name")
    if ".." in parts or "\\" in name:
        raise _refusal(path, member, "would leave the folder")
    if not name or any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise _refusal(path, member, "has no proper name")
    if member.issym() or member.islnk():
        raise _refusal(path, member, "is a link")
    if member.issparse():
        raise _refusal(path, member, "is a sparse file")
    if not (member.isdir() or member.isreg()):
        raise _refusal(path, member, "is a device or a pipe")
    if not 0 <= member.size <= room:
        raise _refusal(path, member, f"says it has {member.size:,} bytes, more than there is room for")
    if hasattr(tarfile, "data_filter"):
        # A second opinion, from Python 3.11.4 on; what stands above is stricter.
        try:
            tarfile.data_filter(member, str(path.parent))
        except tarfile.FilterError as problem:
            raise _refusal(path, member, f"is refused ({problem})") from problem


def _refusal(path: Path, member: tarfile.TarInfo, why: str) -> MissingError:
    return MissingError(f"{path}: the member {member.name!r} {why}; nothing was copied", PACK_ANEW)


def _plain(name: str) -> str:
    return str(PurePosixPath(name))


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


def _chunks(tar: Archive, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.file(member)
    while chunk := file.read(CHUNK):
        yield chunk
