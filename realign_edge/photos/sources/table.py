"""Rows of `records.csv` and `records.jsonl`; a bad row costs itself alone."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from realign_edge.files import from_json
from realign_edge.photos.sources.row import column

# A cell may run over lines (a note with paragraphs); beyond this, its quotation mark was never closed.
MAX_ROW_LINES = 60
_DELIMITERS = (",", ";", "\t")
_OPEN = "a quotation mark is opened and not closed; the row is passed over, close it"

# (line from 1, the row by column) or (line from 1, what is wrong); line 0 concerns the whole file.
Rows = Iterator[tuple[int, dict[Any, Any] | str]]


def csv_rows(text: str) -> Rows:
    """Rows of a table whose header names a `photo` column; the delimiter is the one that makes it do so."""
    lines = io.StringIO(text.replace("\x00", ""), newline=None).readlines()
    start = next((i for i, line in enumerate(lines) if line.strip()), None)
    if start is None:
        yield 0, "the file is empty; it is passed over"
        return
    for delimiter in _DELIMITERS:
        header, after = _row(lines, start, delimiter)
        if isinstance(header, list) and "photo" in map(column, header):
            break
    else:
        yield 0, f"no column is called `photo`; it begins with `{lines[start].strip()[:60]}`; name the columns there"
        return
    while after < len(lines):
        cells, following = _row(lines, after, delimiter)
        if isinstance(cells, str):
            yield after + 1, cells
        elif any(c.strip() for c in cells[len(header) :]):
            wanted = f"{len(cells)} cells under {len(header)} columns"
            yield after + 1, f"{wanted}; the row is passed over, put texts with `{delimiter}` in quotation marks"
        elif any(c.strip() for c in cells):
            yield after + 1, dict(zip(header, cells, strict=False))
        after = following


def _row(lines: Sequence[str], start: int, delimiter: str) -> tuple[list[str] | str, int]:
    """The cells of the row that begins at `start` (or what is wrong), and where the next row begins."""
    reader = csv.reader(lines[start : start + MAX_ROW_LINES], delimiter=delimiter)
    try:
        cells = next(reader, [])
    except csv.Error as problem:
        if reader.line_num > 1:
            return _OPEN, start + 1
        what = "a cell is too long" if "field larger" in str(problem) else str(problem)
        return f"{what}; the row is passed over", start + 1
    after = start + max(1, reader.line_num)
    if reader.line_num > 1 and _left_open(lines[start:after], delimiter):
        return _OPEN, start + 1
    return cells, after


def _left_open(lines: Sequence[str], delimiter: str) -> bool:
    """Whether a row of several lines was never meant as one.

    An open quotation mark runs to the end, or to the opening one of a later cell, which text then
    follows: the strict reader takes neither.
    """
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return False


def jsonl_rows(text: str) -> Rows:
    """One JSON object a line."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = from_json(line)
        except (ValueError, RecursionError):
            yield number, "not valid JSON; the line is passed over"
            continue
        yield number, value if isinstance(value, dict) else "not a JSON object; the line is passed over"
