"""What both reports are put together from: title, labelled facts, headings, signatures."""

from collections.abc import Sequence

from realign_edge.reports.drawing import Tone
from realign_edge.reports.pdf.paper import BOTTOM, LEFT, RIGHT, SPAN, Paper, leading

TONES: dict[str, Tone] = {"PASS": "pass", "FAIL": "fail", "REVIEW": "review", "RETAKE": "retake"}
SIGN_HEIGHT = 100.0


def title(paper: Paper, kicker: str) -> None:
    """The top of page 1."""
    paper.bookmark(paper.title)
    paper.text(LEFT, paper.y + 8, paper.cut(kicker, SPAN, 8), 8, "soft")
    paper.y = paper.block(LEFT, paper.y + 15, SPAN, paper.title, 20, bold=True, most=2) + 6


def facts(paper: Paper, pairs: Sequence[tuple[str, str]], columns: int = 3, size: float = 8.5) -> None:
    """Labels with their texts below them, in columns; a hash, which is long, takes a row of its own."""
    width = SPAN / columns
    column, below = 0, paper.y
    for label, text in pairs:
        wide = columns if paper.width(paper.known(text), size) > 2.4 * width else 1
        if column and column + wide > columns:
            paper.y, column = below, 0
        if not column:
            paper.need(40)
            below = paper.y
        x = LEFT + column * width
        paper.text(x, paper.y + 7, label, 7, "soft")
        below = max(below, paper.block(x, paper.y + 9, wide * width - 12, text, size, most=2 + wide) + 4)
        column += wide
        if column >= columns:
            paper.y, column = below, 0
    paper.y = below


def heading(paper: Paper, text: str, room: float = 60) -> None:
    """A section's heading, with room below it for a beginning."""
    paper.need(room + 30)
    if paper.y > 60:
        paper.y += 16
    paper.bookmark(text)
    paper.y = paper.block(LEFT, paper.y, SPAN, text, 11.5, bold=True) + 4


def paragraph(paper: Paper, text: str, tone: Tone = "ink", size: float = 8.5, x: float = LEFT) -> None:
    """Text over the whole width, on as many pages as it takes."""
    for line in paper.lines(text, RIGHT - x, size):
        paper.need(leading(size))
        paper.text(x, paper.y + size, line, size, tone)
        paper.y += leading(size)


def end(paper: Paper, foot: str) -> bytes:
    """A word on characters that the fonts lack, if there were any; then the feet of all pages, and the file."""
    if paper.missing:
        paper.y += 10
        paragraph(paper, paper.words("origin.glyphs"), "soft", 7)
    return paper.finish(foot)


def signatures(paper: Paper) -> None:
    """Three boxes at the foot of the page."""
    words, gap = paper.words, 10.0
    width = (SPAN - 2 * gap) / 3
    top = BOTTOM - SIGN_HEIGHT + 18
    paper.text(LEFT, top - 8, words("sign.section"), 9, bold=True)
    for i, who in enumerate(("prepared", "checked", "approved")):
        x = LEFT + i * (width + gap)
        paper.frame(x, top, width, BOTTOM - top, "soft")
        paper.text(x + 8, top + 13, words(f"sign.{who}"), 8.5, bold=True)
        for line, y in (("name", top + 30), ("signature", top + 60), ("date", top + 80)):
            paper.text(x + 8, y, words(f"sign.{line}"), 6.5, "soft")
            paper.rule(y + 3, "grid", x + 8, x + width - 8)
    paper.y = BOTTOM
