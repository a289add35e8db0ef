"""The chain: every row's hash covers its content and the hash of the row before.

    hash = SHA-256(previous + "\\n" + number + "\\n" + kind + "\\n" + content)

as UTF-8; number in decimal digits, kind one of three words, content the canonical JSON as it is stored (it holds no
raw newline), previous the hash of the row before in hexadecimal, empty for row 1. Any tool that reads SQLite can check
it. The construction is that of a hash chain as in Haber and Stornetta, "How to time-stamp a digital document" (1991).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from realign_edge.files import sha256_bytes
from realign_edge.results.content import parse
from realign_edge.results.model import Entry


@dataclass(frozen=True, slots=True)
class Stored:
    """A row as it lies in the file, not believed yet."""

    number: int
    kind: str
    content: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written. number: of the row, 0 where the file as a whole is meant."""

    number: int
    what: str

    def __str__(self) -> str:
        return f"row {self.number} {self.what}" if self.number else self.what


def in_short(problems: Sequence[Problem]) -> str:
    """The first of them, and how many more there are."""
    return f"{problems[0]}" + (f" (and {len(problems) - 1} more)" if problems[1:] else "")


def row_hash(number: int, kind: str, content: str, previous: str) -> str:
    """Hexadecimal SHA-256 by the formula above."""
    return sha256_bytes("\n".join((previous, str(number), kind, content)).encode("utf-8", "surrogatepass"))


def entry_of(row: Stored) -> Entry:
    """The row as the other rooms see it.

    Raises:
        ValueError: its content makes no sense.
    """
    return Entry(row.number, parse(row.kind, row.content), row.previous, row.hash)


def chain_problems(rows: Iterable[Stored]) -> Iterator[Problem]:
    """Everything that is wrong with rows in the order of their numbers.

    Finds any row that was changed, put in, taken out of the middle or the beginning, or moved. A missing tail cannot
    be seen here: that takes the head record.
    """
    expected, previous = 1, ""
    for row in rows:
        if row.number != expected:
            yield Problem(row.number, _gap(expected, row.number))
        elif row.previous != previous:
            what = "does not follow the row before it: one of the two was changed, put in or moved"
            yield Problem(row.number, what if row.number > 1 else "names a row before it, but it is the first")
        if row_hash(row.number, row.kind, row.content, row.previous) != row.hash:
            yield Problem(row.number, "is not as it was written: its hash is another one")
        else:
            yield from _sense(row)
        expected, previous = row.number + 1, row.hash


def _gap(expected: int, number: int) -> str:
    if number < expected:
        return f"has a number that is not there in a whole file; row {expected} was due"
    missing = f"row {expected} is" if number == expected + 1 else f"rows {expected} to {number - 1} are"
    return f"comes too early: {missing} missing"


def _sense(row: Stored) -> Iterator[Problem]:
    try:
        parse(row.kind, row.content)
    except ValueError as problem:
        yield Problem(row.number, f"cannot be read: {problem}")
