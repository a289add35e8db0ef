"""Drawings and the marks of verdicts, on paper."""

from realign_edge.reports.drawing import Box, Dot, Drawing, Label, Path, Tone, hatching
from realign_edge.reports.pdf.paper import Paper

# Marks of verdicts as lines in a square of 16 units, the same as in the HTML form.
_MARKS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "PASS": (((3, 8.6), (6.5, 12), (13, 4.4)),),
    "FAIL": (((4, 4), (12, 12)), ((12, 4), (4, 12))),
    "REVIEW": (((8, 2.8), (14, 13.4), (2, 13.4), (8, 2.8)), ((8, 7), (8, 9.6)), ((8, 11.4), (8, 11.8))),
    "RETAKE": (
        ((13, 9), (11, 12.6), (7, 13), (3.6, 10), (4, 6), (7.4, 4), (12.6, 6.2)),
        ((13, 2.6), (13, 6.4), (9.2, 6.4)),
    ),
}


def mark(paper: Paper, verdict: str, x: float, y: float, size: float, tone: Tone) -> None:
    """The sign of a verdict, in a square whose upper left corner is (x, y)."""
    for stroke in _MARKS[verdict]:
        paper.line(tuple((x + a * size / 16, y + b * size / 16) for a, b in stroke), tone, size * 0.12)


def draw(paper: Paper, drawing: Drawing, x: float, y: float) -> float:
    """A drawing at its own size, its upper left corner at (x, y); the y below it."""
    for shape in drawing.shapes:
        if isinstance(shape, Label):
            paper.text(x + shape.x, y + shape.y, shape.text, shape.size, shape.tone, shape.bold, shape.anchor)
        elif isinstance(shape, Dot):
            paper.disc(x + shape.x, y + shape.y, shape.r, shape.tone, shape.hollow)
        elif isinstance(shape, Path):
            if len(shape.points) > 1:
                paper.line(tuple((x + a, y + b) for a, b in shape.points), shape.tone, shape.width, shape.dash)
        else:
            _box(paper, shape, x, y)
    return y + drawing.height


def _box(paper: Paper, box: Box, x: float, y: float) -> None:
    if not box.hatched:
        paper.area(x + box.x, y + box.y, box.w, box.h, box.tone)
        return
    paper.frame(x + box.x, y + box.y, box.w, box.h, box.tone)
    for a, b, c, d in hatching(box):
        paper.line(((x + a, y + b), (x + c, y + d)), box.tone)
