"""`manifest.json` of an installed model: every file with size and SHA-256, and where it came from."""

from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from realign_edge.errors import MissingError, RealignError
from realign_edge.files import from_json

NAME = "manifest.json"
_FORMAT = 1
KnownBy = Literal["", "hub cache", "name"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model came from. hub: `organisation/name`; known_by: how that is known; revision: a commit.

    Empty texts mean that it is not known.
    """

    path: str
    hub: str = ""
    revision: str = ""
    known_by: KnownBy = ""


@dataclass(frozen=True, slots=True)
class Copied:
    """One file. size: bytes; sha256: hexadecimal; changed: time of change at its source, seconds since 1970."""

    size: int
    sha256: str
    changed: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was taken in, by file name, when (ISO 8601), and as which family."""

    name: str
    family: str
    added: str
    origin: Origin
    files: dict[str, Copied]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"format": _FORMAT, **asdict(self)}


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an installed model.

    Raises:
        MissingError: there is none.
        RealignError: it cannot be read.
    """
    path = folder / NAME
    try:
        value = from_json(path.read_text(encoding="utf-8"))
        if value.pop("format") != _FORMAT or any(PurePosixPath(name).name != name for name in value["files"]):
            raise ValueError("it is of another format")
        files = {name: Copied(**about) for name, about in value.pop("files").items()}
        return Manifest(**{**value, "origin": Origin(**value["origin"]), "files": files})
    except FileNotFoundError:
        raise MissingError(
            f"{folder} has no {NAME}, so nobody knows what it should hold",
            "models taken in with `realign-edge models add` have one",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RealignError(
            f"{path} is damaged: {problem}", f"delete {folder}, then add the model again: realign-edge models add PATH"
        ) from problem
