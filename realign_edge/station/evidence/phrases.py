"""Which words of a description, and which of its tokens, claim a defect."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from realign_edge.glossary.findings import find_findings
from realign_edge.glossary.mentions import find_mentions
from realign_edge.glossary.model import Finding, Glossary, Mention
from realign_edge.glossary.script import normalise

# A place further from its defect than this is not part of its phrase.
_APART = 40
_SENTENCE = re.compile(r"[.;!?\n。；！？]")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A claimed defect. text: its words, the place's included; tokens: numbers of the answer's tokens that are in
    the defect's or the place's word."""

    finding: Finding
    text: str
    tokens: tuple[int, ...]


def phrases(ids: Sequence[int], decode: Callable[[Sequence[int]], str], glossary: Glossary) -> tuple[Phrase, ...]:
    """The findings of an answer with their words, in order; `decode` makes text of token ids."""
    text = normalise(decode(ids))
    # Token i makes the text grow from ends[i] to ends[i + 1].
    ends = [len(normalise(decode(ids[:i]))) for i in range(len(ids) + 1)]
    mentions = [m for m in find_mentions(text, glossary) if not m.negated]
    found = []
    for finding in find_findings(text, glossary):
        words = _words(finding, mentions, text)
        start, end = min(m.start for m in words), max(m.end for m in words)
        tokens = (i for i in range(len(ids)) if any(ends[i] < m.end and ends[i + 1] > m.start for m in words))
        found.append(Phrase(finding, text[start:end], tuple(tokens)))
    return tuple(found)


def _words(finding: Finding, mentions: Sequence[Mention], text: str) -> list[Mention]:
    """The mention of the defect, and that of its place where it stands near by in the same sentence."""
    defects = [m for m in mentions if m.term == finding.defect]
    places = [m for m in mentions if m.term == finding.location]
    pairs = [(_apart(d, p, text), d, p) for d in defects for p in places]
    near = [pair for pair in pairs if pair[0] <= _APART]
    if not near:
        return defects[:1]
    _, defect, place = min(near, key=lambda pair: (pair[1].start, pair[0]))
    return [defect, place]


def _apart(a: Mention, b: Mention, text: str) -> int:
    """Characters between two mentions; beyond reach where a sentence ends between them."""
    between = text[min(a.end, b.end) : max(a.start, b.start)]
    return _APART + 1 if _SENTENCE.search(between) else len(between)
