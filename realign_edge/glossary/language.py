"""Which language prompts are in: that of the records."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language
from realign_edge.glossary.script import is_japanese
from realign_edge.photos.model import InspectionRecord

Wanted = Literal["auto", "en", "ja"]
NAMES: dict[Language, str] = {"en": "English", "ja": "Japanese"}


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """The language of the prompts, and in plain words why it is that one."""

    language: Language
    why: str

    def __str__(self) -> str:
        return f"{NAMES[self.language]} ({self.why})"


def choose_language(wanted: Wanted, records: Iterable[InspectionRecord | None], glossary: Glossary) -> LanguageChoice:
    """What was asked for, or with "auto" the language of most notes.

    A note with a kana or a kanji is Japanese; Latin part numbers in it do not matter. Where there is no
    note, the other columns count, and the glossary's own names; where nothing is Japanese, it is English.
    """
    if wanted != "auto":
        return LanguageChoice(wanted, "as set")
    known = [r for r in records if r is not None]
    notes = [r.note for r in known if r.note]
    if notes:
        japanese = sum(map(is_japanese, notes))
        return LanguageChoice("ja" if 2 * japanese > len(notes) else "en", f"{_of(japanese, len(notes))} in Japanese")
    values = [v for r in known for v in (r.part, *r.defects, *r.locations) if v]
    for what, texts in (("the records' columns are", values), ("the glossary is", [t.term for t in glossary.terms])):
        if 2 * sum(map(is_japanese, texts)) > len(texts):
            return LanguageChoice("ja", f"no notes, but {what} Japanese")
    return LanguageChoice("en", "no notes, and nothing else is Japanese")


def _of(some: int, total: int) -> str:
    """ "3 of 40 notes are"."""
    count = "none" if not some else "all" if some == total > 1 else str(some)
    return f"{count} of {total} notes {'is' if some == 1 else 'are'}"
