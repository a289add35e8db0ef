"""What licences allow, as data (`models/licences.toml`), and which one a model carries."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from realign_edge.config.load import from_values
from realign_edge.home import models_folder
from realign_edge.modelstore.intake import is_licence, stated_licence

_TEXT_MOST = 2**20


@dataclass(frozen=True, slots=True)
class Licence:
    """id: as on the hub's model cards; phrases: words of its text that tell it from others;
    allows: one plain line; commercial_use: None where nobody can say."""

    id: str
    title: str
    commercial_use: bool | None
    allows: str
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Table:
    licence: tuple[Licence, ...]


@cache
def licences() -> tuple[Licence, ...]:
    """Every licence that is known.

    Raises:
        UsageError: the file has an unknown or missing key.
    """
    path = models_folder() / "licences.toml"
    return from_values(_Table, tomllib.loads(path.read_text(encoding="utf-8")), str(path)).licence


def licence_of(folder: Path, stated: str = "") -> Licence:
    """The licence of a model folder: by its text, else by its model card, else `stated` (an identifier)."""
    texts = [p for p in sorted(folder.iterdir()) if is_licence(p.name) and p.is_file()]
    for path in texts:
        words = " ".join(_read(path).split()).casefold()
        for licence in licences():
            if licence.phrases and all(phrase.casefold() in words for phrase in licence.phrases):
                return licence
    name = stated_licence(_read(folder / "README.md")) or stated
    unknown = f"not known to this program: read {texts[0].name if texts else 'the licence of the model'}"
    return next((x for x in licences() if x.id == name), Licence(name, name or "unknown", None, unknown))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_TEXT_MOST).decode("utf-8", "replace")
    except OSError:
        return ""
