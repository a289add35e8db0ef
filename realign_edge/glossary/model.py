"""The plant's vocabulary: parts, defects, attributes and locations, with synonyms in two languages."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

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
