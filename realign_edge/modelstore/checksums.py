"""A file of checksums as `sha256sum` writes it, held against what was copied."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from realign_edge.carry.reading import reading
from realign_edge.errors import MissingError
from realign_edge.modelstore.source import COPY_AGAIN

_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


def read_checksums(path: Path, files: Iterable[str]) -> dict[str, str]:
    """File name to SHA-256 in lower case; of paths the last part counts.

    Raises:
        MissingError: it cannot be read, is of another form, names no file of the model, or one twice differently.
    """
    with reading(path):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise MissingError(f"{path}, line {number} is no checksum: {line[:60]!r}", "write it with: sha256sum *")
        name, digest = PurePosixPath(match[2]).name, match[1].lower()
        if found.setdefault(name, digest) != digest:
            raise MissingError(f"{path} has two different checksums for {name}", "keep the right one of them")
    if not found.keys() & set(files):
        raise MissingError(f"{path} names no file of this model", "name the checksum file that belongs to the model")
    return found


def compare(wanted: Mapping[str, str], name: str, digest: str) -> None:
    """Raise unless the file is the one that the checksum file names; what it does not name passes.

    Raises:
        MissingError: it is another one.
    """
    expected = wanted.get(name, digest)
    if expected != digest:
        raise MissingError(
            f"checksum mismatch: {name} has SHA-256 {digest[:16]}..., the checksum file says {expected[:16]}...",
            f"{COPY_AGAIN}; if it happens again, do not use this model",
        )
