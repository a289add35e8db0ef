"""The windows' words: `strings/<language>/<section>.toml`, the same keys in each language."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, get_args

from tui.context import Context, Language

FOLDER = Path(__file__).parent / "strings"
LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True)
class Words:
    """Every sentence of the windows in one language."""

    language: Language
    sections: Mapping[str, Mapping[str, str]]

    def __call__(self, name: str, /, **values: object) -> str:
        """The words behind `section.key`, with `{values}` put in.

        Raises:
            KeyError: there are none of that name, or a value is missing.
        """
        section, _, key = name.partition(".")
        return self.sections[section][key].format(**values)

    def knows(self, name: str) -> bool:
        """Is `section.key` one of ours?"""
        section, _, key = name.partition(".")
        return key in self.sections.get(section, {})


class Speaks(Protocol):
    """What the frame asks of the application that it stands in."""

    context: Context

    @property
    def words(self) -> Words:
        """Of the language that is shown now."""
        ...


@cache
def words_in(language: Language) -> Words:
    """All sections of a language."""
    found = sorted((FOLDER / language).glob("*.toml"))
    return Words(language, {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in found})
