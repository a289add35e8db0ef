"""Folding text to a width as its language does: Japanese between any two characters, other words only whole."""

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

# A run of narrow characters is a word; what stands at the end of a sentence or closes a bracket stays with it.
_PIECE = re.compile(r"\s+|[!-~\u00a1-\u02ff\u2010-\u27bf]+|.", re.DOTALL)
_NEVER_FIRST = frozenset("、。，．・：；？！）」』】〉》％ーぁぃぅぇぉっゃゅょァィゥェォッャュョ")
_NEVER_LAST = frozenset("（「『【〈《")


def fold(text: Text, width: int) -> list[Text]:
    """Lines of at most `width` cells, without the spaces at which they were folded; styles stay.

    A word that is longer than a line is cut. Lines of the text itself stay lines.
    """
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        starts = list(_starts(line.plain, max(width, 1)))
        lines += line.divide(starts) if starts else [line]
    for line in lines:
        line.rstrip()
    return lines


def folded(text: Text, width: int) -> Text:
    """The same as one text."""
    return Text("\n").join(fold(text, width))


def hanging(text: Text, width: int, indent: int) -> Text:
    """As `folded`; what a line of the text goes on with stands `indent` cells further in."""
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        head, rest = line.divide([indent]) if len(line) > indent else (line, Text())
        for number, part in enumerate(fold(rest, width - indent)):
            lines.append((head if not number else Text(" " * indent)).append_text(part))
    return Text("\n").join(lines)


def _starts(plain: str, width: int) -> Iterator[int]:
    """Where a new line begins."""
    used, begin = 0, 0
    for start, piece in _units(plain):
        size = cell_len(piece)
        if used and not piece.isspace() and used + size > width:
            yield start
            used, begin = 0, start
        if size <= width or piece.isspace():
            used += size
            continue
        for offset, character in enumerate(piece):
            wide = cell_len(character)
            if used + wide > width and start + offset > begin:
                yield start + offset
                used, begin = 0, start + offset
            used += wide


def _units(plain: str) -> Iterator[tuple[int, str]]:
    """(offset, characters that stay together)."""
    start, unit = 0, ""
    for found in _PIECE.finditer(plain):
        piece = found[0]
        stays = unit and (piece[0] in _NEVER_FIRST or unit[-1] in _NEVER_LAST) and not piece.isspace()
        if unit and not stays:
            yield start, unit
            start, unit = found.start(), ""
        unit += piece
    if unit:
        yield start, unit
