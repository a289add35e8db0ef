"""A sentence of the library in another language, found by its English form: `no results at {file}`.

The library speaks English alone, as its logs and its command line do. Who shows one of its sentences to a person who
reads Japanese asks here; a sentence that is not among `ja/*.toml` stays as it is.
"""

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from realign_edge.language import Language

# A longer one is quoted from elsewhere, and no pattern is tried on it.
_LONGEST = 2000
# A sentence in a sentence in a sentence; deeper is nobody's.
_DEEPEST = 4
# How problems stand together, in English and in Japanese.
_LISTS = (("\n", "\n"), ("; or ", "、または"), ("; ", "；"))


@dataclass(frozen=True, slots=True)
class _Sentence:
    """en, taken apart: what stands before each value and the value's name, "" for what stands behind the last one."""

    ja: str
    parts: tuple[tuple[str, str], ...]

    @property
    def own(self) -> int:
        """How many letters are its own."""
        return sum(len(literal) for literal, _ in self.parts)

    @property
    def begins(self) -> str:
        """The first of its own words."""
        return next(literal for literal, _ in self.parts if literal)

    def values(self, sentence: str) -> Mapping[str, str] | None:
        """What stands for each value, None where it is another sentence. Looked for from left to right and never
        again, so that a hostile sentence costs no time."""
        found: dict[str, str] = {}
        at, open_ = 0, ""
        for literal, name in self.parts:
            if open_ and not literal:  # two values side by side
                return None
            if open_ and not name:
                start = len(sentence) - len(literal) if sentence.endswith(literal) else -1
            else:
                start = sentence.find(literal, at + bool(open_))
            if start < at + bool(open_) or (not open_ and start != at):
                return None
            if open_:
                found[open_] = sentence[at:start]
            at, open_ = start + len(literal), name
        if open_:
            found[open_] = sentence[at:]
        elif at != len(sentence):
            return None
        return None if any("; or " in value for value in found.values()) else found


# A window asks for the same ones again with every look.
@lru_cache(maxsize=512)
def spoken(sentence: str, language: Language) -> str:
    """The sentence in `language`. What stands for a `{value}` is itself translated where it is a sentence."""
    return sentence if language == "en" or len(sentence) > _LONGEST else _told(sentence, _DEEPEST)


def _told(sentence: str, deepest: int) -> str:
    if not deepest:
        return sentence
    return _whole(sentence, deepest) or _in_pieces(sentence, deepest) or sentence


def _whole(sentence: str, deepest: int) -> str | None:
    """Of those that it may be, the one whose own words begin first: what follows them is quoted by it."""
    fitting = [(known, values) for known in _known() if (values := known.values(sentence)) is not None]
    if not fitting:
        return None
    first, values = min(fitting, key=lambda pair: sentence.index(pair[0].begins))
    return first.ja.format(**{name: _told(value, deepest - 1) for name, value in values.items()})


def _in_pieces(sentence: str, deepest: int) -> str | None:
    """Several problems below or behind each other; one that has the file that it is about before it."""
    for mark, ja in _LISTS:
        if mark in sentence:
            parts = sentence.split(mark)
            told = [_indented(part, deepest - 1) for part in parts]
            return ja.join(told) if told != parts else None
    file, _, problem = sentence.partition(": ")
    said = _whole(problem, deepest - 1) if problem and " " not in file else None
    return None if said is None else f"{file}：{said}"


def _indented(line: str, deepest: int) -> str:
    bare = line.lstrip(" ")
    return " " * (len(line) - len(bare)) + _told(bare, deepest)


@cache
def sentences() -> Mapping[str, str]:
    """English to Japanese, with the same `{values}`; the files only order it."""
    files = sorted((Path(__file__).parent / "ja").glob("*.toml"))
    return {en: ja for file in files for en, ja in tomllib.loads(file.read_text(encoding="utf-8")).items()}


@cache
def _known() -> tuple[_Sentence, ...]:
    """The one with the most words of its own first: it says most of what a sentence is."""
    found = [_sentence(en, ja) for en, ja in sentences().items()]
    return tuple(sorted(found, key=lambda known: -known.own))


def _sentence(en: str, ja: str) -> _Sentence:
    return _Sentence(ja, tuple((literal, name or "") for literal, name, *_ in string.Formatter().parse(en)))
