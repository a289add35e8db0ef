"""Words of a description that neither the glossary nor the records of good parts know.

A defect that the glossary has no word for is read out of no description: "smeared with grease" would be a part without
findings, and pass. What the plant itself writes about good parts says which words are harmless.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from realign_edge.glossary.mentions import find_mentions
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.script import normalise, words

# Fewer notes say too little about what is written of good parts.
_LEAST = 20
# Where more of the notes than this hold a word that no other note holds, so will descriptions, and all of them would
# have to be looked at: the share of new words to come is that of words seen once (Good 1953, with Turing).
_MOST_NEW = 0.05
# So many notes have said what there is to say, and take a fraction of a second to read.
_MOST = 2000


def sound_words(notes: Iterable[str], glossary: Glossary) -> frozenset[str] | None:
    """The words of notes about good parts that are not the glossary's, in lower case.

    None where the notes are too few or too varied to tell what is strange.
    """
    each = [{w.lower() for w in _unknown(note, glossary)} for note in islice(filter(None, notes), _MOST)]
    times = Counter(word for found in each for word in found)
    new = sum(any(times[word] == 1 for word in found) for found in each)
    return frozenset(times) if len(each) >= _LEAST and new <= _MOST_NEW * len(each) else None


def strange_words(text: str, glossary: Glossary, sound: frozenset[str] | None) -> tuple[str, ...]:
    """Words of a description that are neither the glossary's nor among `sound`, in order, each once."""
    if sound is None:
        return ()
    return tuple(dict.fromkeys(w for w in _unknown(text, glossary) if w.lower() not in sound))


def _unknown(text: str, glossary: Glossary) -> list[str]:
    """Words that are no part of a term of the glossary, and no numbers."""
    plain = normalise(text)
    known = bytearray(len(plain) + 1)
    for mention in find_mentions(plain, glossary):
        known[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
    return [plain[a:b] for a, b in words(plain) if not any(known[a:b]) and not _is_number(plain[a:b])]


def _is_number(word: str) -> bool:
    """Numbers and serial numbers are different each time, and harmless."""
    return any(c.isdigit() for c in word) or not any(c.isalpha() for c in word)
