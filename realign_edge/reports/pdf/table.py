"""Tables of any length: rows that do not break over pages, a head on every page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from realign_edge.reports.drawing import Tone
from realign_edge.reports.pdf.paper import BOTTOM, LEFT, RIGHT, Paper, leading
from realign_edge.reports.pdf.plot import mark


@dataclass(frozen=True, slots=True)
class Column:
    """width in points; most: lines that a cell may take before it is cut."""

    label: str
    width: float
    right: bool = False
    most: int = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, how it looks, and the mark of a verdict before it ("" for none)."""

    text: str
    tone: Tone = "ink"
    bold: bool = False
    mark: str = ""
    mark_tone: Tone = "ink"


@dataclass
class Table:
    """Columns from the left margin on; size of the type and gap between columns in points."""

    paper: Paper
    columns: Sequence[Column]
    size: float = 7.2
    gap: float = 6.0

    def head(self) -> None:
        """Labels and a rule."""
        paper = self.paper
        lines = [paper.lines(c.label, c.width - self.gap, self.size - 0.4, most=2) for c in self.columns]
        height = max(len(found) for found in lines) * leading(self.size - 0.4)
        x = LEFT
        for column, found in zip(self.columns, lines, strict=True):
            for i, line in enumerate(reversed(found)):
                self._put(column, x, paper.y + height - 3 - i * leading(self.size - 0.4), line, self.size - 0.4, "soft")
            x += column.width
        paper.y += height + 1
        paper.rule(paper.y, "soft")
        paper.y += 2

    def rows(self, rows: Iterable[Sequence[Cell | str]]) -> None:
        """All of them, with heads."""
        self.paper.need(60)
        self.head()
        for row in rows:
            self.row(row)

    def row(self, cells: Sequence[Cell | str]) -> None:
        """One row; on a new page where it does not fit."""
        paper, step = self.paper, leading(self.size)
        full = [c if isinstance(c, Cell) else Cell(c) for c in cells]
        lines = [self._lines(column, cell) for column, cell in zip(self.columns, full, strict=True)]
        height = max(len(found) for found in lines) * step + 3
        if paper.y + height > BOTTOM:
            paper.new_page()
            self.head()
        x = LEFT
        for column, cell, found in zip(self.columns, full, lines, strict=True):
            inset = self.size + 2.5 if cell.mark else 0.0
            if cell.mark:
                mark(paper, cell.mark, x, paper.y + 2.2, self.size, cell.mark_tone)
            for i, line in enumerate(found):
                y = paper.y + self.size + 1.2 + i * step
                self._put(column, x + inset, y, line, self.size, cell.tone, cell.bold)
            x += column.width
        paper.y += height
        paper.rule(paper.y)

    def _lines(self, column: Column, cell: Cell) -> list[str]:
        width = column.width - self.gap - (self.size + 2.5 if cell.mark else 0.0)
        return self.paper.lines(cell.text, width, self.size, cell.bold, column.most)

    def _put(self, column: Column, x: float, y: float, text: str, size: float, tone: Tone, bold: bool = False) -> None:
        if column.right:
            self.paper.text(min(x + column.width - self.gap, RIGHT), y, text, size, tone, bold, "end")
        else:
            self.paper.text(x, y, text, size, tone, bold)
