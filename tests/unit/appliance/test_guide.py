"""The last chapter of the operations guide explains everything that is not well, and nothing that is not printed.

What stands in backticks in the first column of its tables is held against the program, in both languages.
"""

import re
from pathlib import Path
from typing import get_args

import pytest

from realign_edge.appliance.doctor.model import Name
from realign_edge.language import LANGUAGES, Language
from tests.unit.appliance.explained import PARTS, Part
from tests.unit.printed import PROGRAM

DOCS = PROGRAM.parent / "docs"
GUIDES: dict[Language, str] = {"en": "operations.md", "ja": "operations.ja.md"}
BOTH = [
    pytest.param(language, number, id=f"{language}-{part.__name__}")
    for language in LANGUAGES
    for number, part in enumerate(PARTS)
]


def guide(language: Language) -> str:
    return (DOCS / GUIDES[language]).read_text(encoding="utf-8")


def parts(language: Language) -> list[str]:
    """Of the last chapter, without what it begins with."""
    return guide(language).split("\n## ")[-1].split("\n### ")[1:]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables, without their heads."""
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in re.findall(r"^\| .*\|$", text, re.M)][1:]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def quotes(language: Language, number: int) -> set[str]:
    return {quote for row in rows(parts(language)[number]) for quote in quoted(row[0])}


def fits(quote: str, sentence: str) -> bool:
    """Do its pieces, between values, stand in the sentence, in their order?"""
    return re.search(".*".join(map(re.escape, quote.split("…"))), sentence) is not None


def unexplained(part: Part, known: set[str]) -> list[str]:
    pieces = known - part.names
    missing = [text for text in part.sentences if not any(fits(quote, text) for quote in pieces)]
    return sorted([*missing, *(part.names - known)])


def stale(part: Part, known: set[str]) -> list[str]:
    printed = part.sentences | part.more
    return sorted(q for q in known - part.names if not any(fits(q, text) for text in printed))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_has_its_table(language: Language) -> None:
    assert len(parts(language)) == len(PARTS)
    assert all(quoted(row[0]) and all(cell.strip() for cell in row) for text in parts(language) for row in rows(text))


@pytest.mark.parametrize(("language", "number"), BOTH)
def test_everything_that_is_not_well_is_explained(language: Language, number: int) -> None:
    part = PARTS[number](language)
    assert part.names or len(part.sentences | part.more) > 5
    missing = unexplained(part, quotes(language, number))
    assert not missing, f"to be explained in the last chapter of docs/{GUIDES[language]}"


@pytest.mark.parametrize(("language", "number"), BOTH)
def test_nothing_is_explained_that_is_not_printed(language: Language, number: int) -> None:
    found = stale(PARTS[number](language), quotes(language, number))
    assert not found, f"docs/{GUIDES[language]} explains what the program does not say"


def test_what_is_missing_or_stale_is_named() -> None:
    part = Part({"disk"}, {"{} cannot be moved to {}"}, {"the folder holds links"})
    assert unexplained(part, {"disk", "… cannot be moved"}) == stale(part, {"holds links"}) == []
    assert unexplained(part, {"disks", "moved … cannot"}) == ["disk", "{} cannot be moved to {}"]
    assert stale(part, {"disk", "disks", "cannot … moved", "moved … cannot"}) == ["disks", "moved … cannot"]


def test_both_languages_are_in_step() -> None:
    here, there = ([text.splitlines() for text in guide(language).split("\n## ")] for language in LANGUAGES)
    assert [[line.count("|") for line in a if line.startswith("|")] for a in here] == [
        [line.count("|") for line in b if line.startswith("|")] for b in there
    ]
    for a, b in zip(map(rows, parts("en")), map(rows, parts("ja")), strict=True):
        assert [len(quoted(row[0])) for row in a] == [len(quoted(row[0])) for row in b]


def test_every_name_of_a_check_is_in_use() -> None:
    """The type holds checks to the list of names; this holds the list to the checks."""
    folder: Path = PROGRAM / "appliance" / "doctor"
    sources = "".join(p.read_text(encoding="utf-8") for p in folder.glob("*.py") if p.name != "model.py")
    assert [name for name in get_args(Name) if f'"{name}"' not in sources] == []
