"""Untrusted text, made fit for every form once, before any form sees it."""

import functools
import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from realign_edge.photos.text import clean

T = TypeVar("T")
# Characters that draw nothing: two names that differ only in them would look the same. Joiners between letters of
# scripts that need them are lost too; plants' records are not written in those.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2065\u3164"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
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
    """The same dataclass with every text in it tidied, however deep; the very same object where nothing changes."""
    assert is_dataclass(value)
    held = {name: getattr(value, name) for name in _names(type(value))}  # type: ignore[arg-type]
    changed = {name: new for name, old in held.items() if (new := _tidied(old)) is not old}
    return replace(value, **changed) if changed else value  # type: ignore[type-var]


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def _tidied(value: Any) -> Any:
    if isinstance(value, str):
        new = tidy(value)
        return value if new == value else new
    if isinstance(value, tuple):
        items = tuple(map(_tidied, value))
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value if isinstance(value, int | float) or value is None else tidied(value)


def clipped(text: str, most: int) -> str:
    """Its first `most` characters; an ellipsis says where something was left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
