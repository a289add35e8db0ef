"""The plant's vocabulary: parts, defects, attributes and locations, with synonyms in two languages."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from realign_edge.glossary.questions import Language
from realign_edge.glossary.script import is_japanese

Category = Literal["part", "defect", "attribute", "location"]


@dataclass(frozen=True, slots=True)
class Term:
    """One concept. `term` is its name everywhere; `kind` groups attributes (finish, background)."""

    term: str
    category: Category
    kind: str = ""
    en: tuple[str, ...] = ()
    ja: tuple[str, ...] = ()

    @property
    def forms(self) -> tuple[str, ...]:
        """Every written form, the canonical term first."""
        return (self.term, *self.en, *self.ja)

    def called(self, language: Language) -> str:
        """Its name in sentences of a language: the canonical one where that is of the language or nothing else is."""
        if language == "ja":
            return self.term if is_japanese(self.term) or not self.ja else self.ja[0]
        return self.en[0] if is_japanese(self.term) and self.en else self.term


@dataclass(frozen=True)
class Glossary:
    """The closed set of terms that notes are read with. `source` says where it came from."""

    terms: tuple[Term, ...]
    source: str = ""

    def of(self, category: Category, kind: str = "") -> tuple[Term, ...]:
        """Terms of one category, in order; `kind` narrows attributes."""
        return tuple(t for t in self.terms if t.category == category and kind in ("", t.kind))

    @cached_property
    def by_term(self) -> dict[str, Term]:
        """Canonical name to term."""
        return {t.term: t for t in self.terms}

    def names(self, category: Category) -> Iterable[str]:
        """Canonical names of one category, in order."""
        return (t.term for t in self.of(category))

    def called(self, term: str, language: Language) -> str:
        """A term's name in sentences of a language; what is no term of the glossary stays as it is."""
        known = self.by_term.get(term)
        return term if known is None else known.called(language)


@dataclass(frozen=True, slots=True)
class Mention:
    """A term found in a text at characters [start, end); `negated` in "no scratch is visible"."""

    term: str
    category: Category
    start: int
    end: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect that a text claims, with the location it gives ("" where it gives none)."""

    defect: str
    location: str = ""
