"""Which words of two texts differ: words where there are spaces, characters where there are none (Japanese)."""

import difflib
import re

from realign_edge.reports.alignment_model import Marked

_TOKEN = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|\s+|.", re.DOTALL)
# Beyond this, comparing costs more than it shows.
_MOST_TOKENS = 2000


def marked(a: str, b: str) -> tuple[Marked, Marked]:
    """Both texts as pieces; joined again, the pieces of each are the text that was given."""
    left, right = _TOKEN.findall(a), _TOKEN.findall(b)
    if max(len(left), len(right)) > _MOST_TOKENS:
        return ((a, False),), ((b, False),)
    outs: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for kind, i, j, k, m in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for out, tokens in ((outs[0], left[i:j]), (outs[1], right[k:m])):
            if tokens:
                out.append(("".join(tokens), kind != "equal"))
    return _bridged(outs[0]), _bridged(outs[1])


def _bridged(pieces: list[tuple[str, bool]]) -> Marked:
    """A lone space between two words that differ belongs to the difference: the mark runs through."""
    found: list[tuple[str, bool]] = []
    for i, (text, differs) in enumerate(pieces):
        inside = text.isspace() and 0 < i < len(pieces) - 1 and pieces[i - 1][1] and pieces[i + 1][1]
        marks = differs or inside
        if found and found[-1][1] == marks:
            found[-1] = (found[-1][0] + text, marks)
        else:
            found.append((text, marks))
    return tuple(found)
