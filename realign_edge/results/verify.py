"""Is a results file as it was written? Rows, chain, head, the triggers that protect it, and SQLite's own structure."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from realign_edge.errors import MissingError
from realign_edge.photos.migrations import migrate
from realign_edge.progress import Progress, Silent
from realign_edge.results.chain import Problem, Stored, chain_problems
from realign_edge.results.head import Head, head_path, read_head
from realign_edge.results.migrations import STEPS
from realign_edge.results.query import COLUMNS

# A writer that is alive needs less between its row and the head.
_BEHIND_S = 0.5
_STEP = 500


def problems(
    db: sqlite3.Connection, path: Path, expect: Head | None = None, progress: Progress | None = None
) -> list[Problem]:
    """All of them, in the order of rows; rows that are appended meanwhile do not matter.

    expect: a head that somebody kept elsewhere, for instance on a printed report; its hash may be cut to 8 digits.
    """
    found = _asked(_damage(db)) + _asked(_protection(db)) + _asked(_chain(db, progress or Silent()))
    if not found:
        found += _asked(_dangling(db))
    found += _asked(_tail(db, path))
    if expect is not None:
        found += _asked(_kept_elsewhere(db, expect))
    return found


def _asked(looking: Iterator[Problem]) -> list[Problem]:
    """What one look finds; where the file is so damaged that it cannot go on, that is what it finds."""
    found = list[Problem]()
    try:
        found.extend(looking)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as damage:
        found.append(Problem(0, f"the database is damaged: {damage}"))
    return found


def _chain(db: sqlite3.Connection, progress: Progress) -> Iterator[Problem]:
    progress.start("Checking rows", _count(db), "rows")

    def rows() -> Iterator[Stored]:
        for number, row in enumerate(db.execute(f"SELECT {COLUMNS} FROM entries ORDER BY number"), 1):
            yield Stored(*row)
            if number % _STEP == 0:
                progress.advance(number)

    yield from chain_problems(rows())
    progress.finish("")


def _damage(db: sqlite3.Connection) -> Iterator[Problem]:
    for (said,) in db.execute("PRAGMA integrity_check(20)"):
        if said != "ok":
            yield Problem(0, f"the database is damaged: {said}")


def _protection(db: sqlite3.Connection) -> Iterator[Problem]:
    """Triggers and indexes are those of a new file."""
    schema = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, "memory", STEPS)
        wanted = dict(fresh.execute(schema).fetchall())
    there = dict(db.execute(schema).fetchall())
    for name in sorted(wanted.keys() | there.keys()):
        if wanted.get(name) != there.get(name):
            what = "is missing" if name not in there else "is foreign" if name not in wanted else "was changed"
            yield Problem(0, f"`{name}`, of what keeps rows from being changed, {what}")


def _dangling(db: sqlite3.Connection) -> Iterator[Problem]:
    """Decisions about rows that are no inspections of that photo."""
    query = """SELECT d.number, json_extract(d.content, '$.entry') FROM entries AS d
        LEFT JOIN entries AS i ON i.number = json_extract(d.content, '$.entry') AND i.number < d.number
            AND i.kind = 'inspection' AND json_extract(i.content, '$.sha256') = json_extract(d.content, '$.sha256')
        WHERE d.kind = 'disposition' AND i.number IS NULL"""
    for number, entry in db.execute(query):
        yield Problem(number, f"decides about row {entry}, which is no inspection of that photo")


def _tail(db: sqlite3.Connection, path: Path) -> Iterator[Problem]:
    """Is the end still there? Asked last, so that the head cannot be older than the rows that were looked at."""
    name = head_path(path).name
    try:
        head = read_head(path)
        if head is not None and _count(db) > head.entries + 1:
            time.sleep(_BEHIND_S)
            head = read_head(path)
    except MissingError as damaged:
        yield Problem(0, damaged.message)
        return
    count = _count(db)
    if head is None:
        if count:
            yield Problem(0, f"{name} is missing: rows taken from the end could not be noticed")
    elif head.entries > count:
        yield Problem(count + 1, f"and the rows up to {head.entries} are missing at the end: {name} knows of them")
    elif head.entries and _hash(db, head.entries) != head.hash:
        yield Problem(head.entries, f"is not the row that {name} knows: the end was taken off and written anew")
    elif count > head.entries + 1:
        yield Problem(0, f"{name} knows of {head.entries} rows, there are {count}: some were not written by a station")


def _kept_elsewhere(db: sqlite3.Connection, expect: Head) -> Iterator[Problem]:
    found = _hash(db, expect.entries)
    if found is None:
        yield Problem(expect.entries, "is missing; a head that was kept elsewhere names it")
    elif not found.startswith(expect.hash):
        yield Problem(expect.entries, f"has hash {found[:12]}, not {expect.hash[:12]}, which was kept elsewhere")


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT ifnull(max(number), 0) FROM entries").fetchone()[0])


def _hash(db: sqlite3.Connection, number: int) -> str | None:
    row = db.execute("SELECT hash FROM entries WHERE number = ?", (number,)).fetchone()
    return None if row is None else str(row[0])
