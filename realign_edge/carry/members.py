"""The members of an untrusted archive: what is odd is refused by name, before anything is unpacked."""

import tarfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from realign_edge.carry.guarded import GZIP_MAGIC, PACK_ANEW, Archive, opened
from realign_edge.carry.reading import CHUNK
from realign_edge.errors import MissingError


def is_archive(path: Path) -> bool:
    """Does the file begin like a tar or a gzip file?"""
    with path.open("rb") as file:
        start = file.read(512)
    return start.startswith(GZIP_MAGIC) or start[257:262] == b"ustar" or path.name.endswith(".tar")


Take = Callable[[Archive, str, tarfile.TarInfo], None]


def judge(
    path: Path, room: int, most: int, what: str, take: Take, seen: Callable[[int], None] = lambda _: None
) -> None:
    """Go through the archive once; `take` gets each regular member with its plain name, while it can be read.

    room: bytes that the largest member may have; most: members of a `what`; seen: told how far the file is read.

    Raises:
        MissingError: a member is odd, there are too many, or the archive is damaged.
    """
    folded: set[str] = set()
    with opened(path, seen) as tar:
        for count, member in enumerate(tar):
            if count >= most:
                raise MissingError(f"{path} holds more than {most:,} members: that is no {what}", PACK_ANEW)
            name = plain(member.name)
            _refuse_odd(path, member, room)
            if member.isdir():
                continue
            same = unicodedata.normalize("NFC", name).casefold()
            if same in folded:
                raise refusal(path, member, "stands in it twice")
            folded.add(same)
            take(tar, name, member)


def chunks(tar: Archive, member: tarfile.TarInfo) -> Iterator[bytes]:
    """The bytes of a regular member."""
    file = tar.file(member)
    while chunk := file.read(CHUNK):
        yield chunk


def refusal(path: Path, member: tarfile.TarInfo, why: str) -> MissingError:
    """What is said of an odd member."""
    return MissingError(f"{path}: the member {member.name!r} {why}; nothing was copied", PACK_ANEW)


def plain(name: str) -> str:
    """Without `./` and doubled slashes."""
    return str(PurePosixPath(name))


def _refuse_odd(path: Path, member: tarfile.TarInfo, room: int) -> None:
    """Raise unless this is a regular file or a folder with a name that stays inside and a size that fits."""
    name = member.name
    parts = PurePosixPath(name).parts
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        raise refusal(path, member, "has an absolute name")
    if ".." in parts or "\\" in name:
        raise refusal(path, member, "would leave the folder")
    if not name or any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise refusal(path, member, "has no proper name")
    if member.issym() or member.islnk():
        raise refusal(path, member, "is a link")
    if member.issparse():
        raise refusal(path, member, "is a sparse file")
    if not (member.isdir() or member.isreg()):
        raise refusal(path, member, "is a device or a pipe")
    if not 0 <= member.size <= room:
        raise refusal(path, member, f"says it has {member.size:,} bytes, more than there is room for")
    if hasattr(tarfile, "data_filter"):
        # A second opinion, from Python 3.11.4 on; what stands above is stricter.
        try:
            tarfile.data_filter(member, str(path.parent))
        except tarfile.FilterError as problem:
            raise refusal(path, member, f"is refused ({problem})") from problem
