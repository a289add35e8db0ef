"""What a text claims about a photo: its part, its defects with their places, its attributes."""

import re
from collections.abc import Sequence

from realign_edge.glossary.mentions import find_mentions
from realign_edge.glossary.model import Finding, Glossary, Mention
from realign_edge.glossary.script import normalise

_SENTENCE = re.compile(r"(?<!\d)[.]|[.](?!\d)|[;!?\n。；！？]")
_BREAK = re.compile(r"[,、]")


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
        groups.setdefault(sum(end < mention.start for end in ends), []).append(mention)
    return list(groups.values())


def _paired(text: str, phrase: Sequence[Mention]) -> list[tuple[str, str]]:
    defects = [m for m in phrase if m.category == "defect"]
    return [(d.term, _nearest(text, d, _own(text, d, phrase)) or _nearest(text, d, phrase)) for d in defects]


def _own(text: str, defect: Mention, phrase: Sequence[Mention]) -> list[Mention]:
    """Of a phrase what stands between the same two Japanese commas as the defect."""
    start, end = text.rfind("、", 0, defect.start), text.find("、", defect.end)
    return [m for m in phrase if m.start > start and (m.end <= end or end < 0)]


def _nearest(text: str, defect: Mention, phrase: Sequence[Mention]) -> str:
    """The place that goes with a defect of the phrase, "" where none does."""
    places = [m for m in phrase if m.category == "location"]
    if not places:
        return ""
    first = next(m for m in phrase if m.category == "defect")
    return _place_of(text, defect, places, places[0].start < first.start)


def _place_of(text: str, defect: Mention, places: Sequence[Mention], place_first: bool) -> str:
    before = [p for p in places if p.end <= defect.start]
    after = [p for p in places if p.start >= defect.end]
    if place_first:
        return before[-1].term if before else ""
    if after and not _closed(text[defect.end : after[0].start]):
        return after[0].term
    if before and not _BREAK.search(text[before[-1].end : defect.start]):
        return before[-1].term
    return ""


def _closed(between: str) -> bool:
    """True where the next place belongs to a later claim: "rust, and at the left a dent"."""
    return bool(re.search(r"[,、]\s*(?:and\s+)?(?:at|on|in)\b", between))
