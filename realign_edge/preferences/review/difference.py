"""Where the two answers of a pair differ."""

import difflib
from collections.abc import Sequence

from realign_edge.glossary.mentions import find_mentions
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.script import normalise, pieces

# A text as pieces, each with whether it differs from the text beside it.
Marked = tuple[tuple[str, bool], ...]
_MOST_PIECES = 2000


def marked(a: str, b: str) -> tuple[Marked, Marked]:
    """Both texts as pieces of whole words; joined again, the pieces of each are the text that was given."""
    left, right = pieces(a), pieces(b)
    if max(len(left), len(right)) > _MOST_PIECES:
        return ((a, True),), ((b, True),)
    outs: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for kind, i, j, k, m in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for out, some in ((outs[0], left[i:j]), (outs[1], right[k:m])):
            if some:
                out.append(("".join(some), kind != "equal"))
    return _bridged(outs[0]), _bridged(outs[1])


def bracketed(found: Marked) -> str:
    """A text with the pieces that differ in square brackets."""
    return "".join(f"[{text}]" if differs else text for text, differs in found)


def unknown_share(a: str, b: str, glossary: Glossary) -> float:
    """Share of the stretches of both texts that differ and touch no term of the glossary, in [0, 1]; 0 for none."""
    stretches = known = 0
    plain = normalise(a), normalise(b)
    for text, found in zip(plain, marked(*plain), strict=True):
        terms = [(m.start, m.end) for m in find_mentions(text, glossary)]
        at = 0
        for piece, differs in found:
            end = at + len(piece)
            if differs and any(c.isalnum() for c in piece):
                stretches += 1
                known += any(start < end and stop > at for start, stop in terms)
            at = end
    return (stretches - known) / stretches if stretches else 0.0


def _bridged(given: Sequence[tuple[str, bool]]) -> Marked:
    """The mark runs through a space between two words that differ, and through none at the end of them."""
    out: list[tuple[str, bool]] = []
    found = [piece for text, differs in given for piece in (_trimmed(text) if differs else [(text, False)])]
    for i, (text, differs) in enumerate(found):
        inside = not text.strip() and 0 < i < len(found) - 1 and found[i - 1][1] and found[i + 1][1]
        marks = differs or inside
        if out and out[-1][1] == marks:
            out[-1] = (out[-1][0] + text, marks)
        else:
            out.append((text, marks))
    return tuple(out)


def _trimmed(text: str) -> list[tuple[str, bool]]:
    bare = text.strip()
    start = text.index(bare)
    parts = [(text[:start], False), (bare, True), (text[start + len(bare) :], False)]
    return [part for part in parts if part[0]]
