"""A sentence of the library in another language, found by its English form: `no results at {file}`.

The library speaks English alone, as its logs and its command line do. Who shows one of its sentences to a person who
reads Japanese asks here; a sentence that is not among `ja.toml` stays as it is.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from realign_edge.language import Language

# A longer one is quoted from elsewhere, and no pattern is tried on it.
_LONGEST = 2000


# A window asks for the same ones again with every look.
@lru_cache(maxsize=512)
def spoken(sentence: str, language: Language) -> str:
    """The sentence in `language`. What stands for a `{value}` is itself translated where it is a sentence."""
    if language == "en" or len(sentence) > _LONGEST:
        return sentence
    for pattern, ja in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            return ja.format(**{name: spoken(value, language) for name, value in found.groupdict().items()})
    return sentence


@cache
def sentences() -> Mapping[str, str]:
    """English to Japanese, with the same `{values}`; the sections of the file only order it."""
    text = Path(__file__).with_name("ja.toml").read_text(encoding="utf-8")
    return {en: ja for section in tomllib.loads(text).values() for en, ja in section.items()}


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The one with the most words of its own first: it says most of what a sentence is."""
    ordered = sorted(sentences().items(), key=lambda pair: -_own_words(pair[0]))
    return tuple((_pattern(en), ja) for en, ja in ordered)


def _own_words(en: str) -> int:
    return sum(len(literal) for literal, *_ in string.Formatter().parse(en))


def _pattern(en: str) -> re.Pattern[str]:
    parts = []
    for literal, name, *_ in string.Formatter().parse(en):
        parts += [re.escape(literal), f"(?P<{name}>.+?)" if name else ""]
    return re.compile("".join(parts), re.DOTALL)
