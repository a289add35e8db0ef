"""What a text claims about a photo: its part, its defects with their places, its attributes."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from realign_edge.glossary.mentions import find_mentions
from realign_edge.glossary.model import Finding, Glossary, Mention
from realign_edge.glossary.script import normalise

_SENTENCE = re.compile(r"(?<!\d)[.]|[.](?!\d)|[;!?\n。；！？]")
_BREAK = re.compile(r"[,、]")
_COMMA = re.compile("、")
# No phrase is longer; a note without a full stop must not take for ever.
_FURTHEST = 400


def find_findings(text: str, glossary: Glossary) -> tuple[Finding, ...]:
    """Un-negated defects in order, each once, with the place that goes with it ("" where none does).

    A place belongs to the defects of its own phrase: those right before it ("a dent and a scratch at
    the center"), or, where it opens the phrase ("upper left: scratch"), those right after it. What stands
    between two Japanese commas keeps to itself where it names both ("中央に傷、錆は左端").
    """
    plain = normalise(text)
    mentions = [m for m in find_mentions(text, glossary) if m.category in ("defect", "location") and not m.negated]
    found: dict[str, str] = {}
    for phrase in _phrases(plain, mentions):
        for defect, place in _paired(plain, phrase):
            if defect not in found or (place and not found[defect]):
                found[defect] = place
    return tuple(Finding(defect, place) for defect, place in found.items())


def find_terms(text: str, glossary: Glossary, category: str) -> tuple[str, ...]:
    """Un-negated terms of one category, in order, each once."""
    terms = (m.term for m in find_mentions(text, glossary) if m.category == category and not m.negated)
    return tuple(dict.fromkeys(terms))


def _phrases(text: str, mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Mentions of one sentence together; defects and places never pair across sentences."""
    ends = [m.start() for m in _SENTENCE.finditer(text)]
    groups: dict[int, list[Mention]] = {}
    for mention in mentions:
        groups.setdefault(bisect_left(ends, mention.start), []).append(mention)
    return list(groups.values())


def _paired(text: str, phrase: Sequence[Mention]) -> list[tuple[str, str]]:
    """Each defect of a phrase with its place."""
    if not any(m.category == "location" for m in phrase):
        return [(m.term, "") for m in phrase]
    whole, cells = _Places(text, phrase), _cells(text, phrase)
    return [(m.term, cells[i].of(m) or whole.of(m)) for i, m in enumerate(phrase) if m.category == "defect"]


def _cells(text: str, phrase: Sequence[Mention]) -> list["_Places"]:
    """For each mention of a phrase what stands between the same two Japanese commas."""
    commas = [m.start() for m in _COMMA.finditer(text, phrase[0].start, phrase[-1].end)]
    groups: dict[int, list[Mention]] = {}
    for mention in phrase:
        groups.setdefault(bisect_left(commas, mention.start), []).append(mention)
    return [cell for group in groups.values() for cell in [_Places(text, group)] * len(group)]


class _Places:
    """The places of some mentions, in order; which of them goes with a defect among these mentions?"""

    def __init__(self, text: str, mentions: Sequence[Mention]) -> None:
        self._text = text
        self._places = [m for m in mentions if m.category == "location"]
        self._starts = [m.start for m in self._places]
        defect = next((m.start for m in mentions if m.category == "defect"), len(text))
        self._place_first = bool(self._starts) and self._starts[0] < defect

    def of(self, defect: Mention) -> str:
        """The place that goes with it, "" where none does."""
        number = bisect_left(self._starts, defect.start)
        before = self._places[number - 1] if number else None
        after = self._places[number] if number < len(self._places) else None
        if self._place_first:
            return before.term if before else ""
        if after and not _closed(self._text[defect.end : after.start]):
            return after.term
        if before and not _BREAK.search(self._text, before.end, defect.start):
            return before.term
        return ""


def _closed(between: str) -> bool:
    """True where the next place belongs to a later claim: "rust, and at the left a dent"; or to nothing so far away."""
    return len(between) > _FURTHEST or bool(re.search(r"[,、]\s*(?:and\s+)?(?:at|on|in)\b", between))
