"""A text of which some words are marked: bold, underlined and in a colour, so that print without colour shows them."""

from typing import cast

from realign_edge.reports.alignment_model import Marked
from realign_edge.reports.drawing import Tone
from realign_edge.reports.pdf.paper import Paper, leading
from realign_edge.reports.pdf.wrap import units

# A piece of a line: text, and whether it is marked.
Line = list[tuple[str, bool]]


def marked_block(
    paper: Paper, x: float, y: float, width: float, text: Marked, size: float, tone: str, most: int
) -> float:
    """A paragraph of at most `most` lines; the y below it."""
    lines = _lines(paper, text, width, size)
    if len(lines) > most:
        lines = [*lines[: most - 1], [*lines[most - 1], ("…", False)]]
    for line in lines:
        at = x
        for piece, marked in line:
            wide = paper.width(piece, size, marked)
            paper.text(at, y + size, piece, size, cast("Tone", tone) if marked else "ink", marked)
            if marked:
                end = at + paper.width(piece.rstrip(), size, True)
                paper.line(((at, y + size + 1.6), (end, y + size + 1.6)), cast("Tone", tone), 0.7)
            at += wide
        y += leading(size)
    return y


def _lines(paper: Paper, text: Marked, width: float, size: float) -> list[Line]:
    """Broken at the same places as any text; a word that is wider than a line is cut into parts that fit."""
    lines: list[Line] = [[]]
    used = 0.0
    for piece, marked in text:
        for unit in units(paper.known(piece)):
            for part in _parts(paper, unit, width, size, marked):
                wide = paper.width(part.rstrip(), size, marked)
                if used + wide > width and lines[-1]:
                    lines.append([])
                    used = 0.0
                lines[-1].append((part, marked))
                used += paper.width(part, size, marked)
    return lines


def _parts(paper: Paper, unit: str, width: float, size: float, marked: bool) -> list[str]:
    if paper.width(unit.rstrip(), size, marked) <= width:
        return [unit]
    return paper.lines(unit, width, size, marked)
