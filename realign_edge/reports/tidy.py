"""Untrusted text, made fit for every form once, before any form sees it."""

import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from realign_edge.photos.text import clean

T = TypeVar("T")
# Characters that draw nothing: two names that differ only in them would look the same. Joiners between letters of
# scripts that need them are lost too; plants' records are not written in those.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2065\u3164\ufff9-\ufffb"
                        "\U000e0000-\U000e007f]")  # fmt: skip
_SPACES = re.compile(r"\s+")
# A base character with more marks than any language stacks covers the lines around it.
_MARKS = 4


def tidy(text: str) -> str:
    """One line without control characters, terminal sequences, direction overrides or invisible characters."""
    if text.isprintable() and text.isascii():
        return text.strip()
    plain = _INVISIBLE.sub("", clean(text))
    return _thinned(_SPACES.sub(" ", plain).strip())


def _thinned(text: str) -> str:
    """At most four combining marks in a row."""
    if text.isascii() or not any(map(unicodedata.combining, text)):
        return text
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MARKS:
            kept.append(character)
    return "".join(kept)


def tidied(value: T) -> T:
    """The same dataclass with every text in it tidied, however deep."""
    assert is_dataclass(value)
    changed = {f.name: _tidied(getattr(value, f.name)) for f in fields(value)}
    return replace(value, **changed)  # type: ignore[type-var]


def _tidied(value: Any) -> Any:
    if isinstance(value, str):
        return tidy(value)
    if isinstance(value, tuple):
        return tuple(map(_tidied, value))
    return tidied(value) if is_dataclass(value) else value


def clipped(text: str, most: int) -> str:
    """Its first `most` characters; an ellipsis says where something was left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
