"""results.sqlite: what a station said, append-only, safe on the disk before anybody is told, every row chained."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from realign_edge.errors import MissingError, RealignError, explain
from realign_edge.photos.database import connect, explained, transaction
from realign_edge.progress import Progress
from realign_edge.results.chain import Problem, Stored, entry_of, row_hash
from realign_edge.results.content import Content, canonical, kind_of
from realign_edge.results.head import Head, head_path, next_head, read_head
from realign_edge.results.migrations import APPLICATION_ID, STEPS
from realign_edge.results.model import Disposition, Entry, Inspection, Refused
from realign_edge.results.query import COLUMNS, Query

FILE = "results.sqlite"
WHAT = "the results of a station"
RESTORE = (
    "look with `realign-edge results verify`; then `realign-edge maintain restore latest` puts the newest backup back, "
    "or move results.sqlite and results.head away together to begin a new file"
)
# Rows that writers who were killed, or who began a file at once, may have left without a head. More of them, and one
# who continued would write a head that covers up whatever has become of the old one.
MOST_BEHIND = 32
_BY_PHOTO = f"SELECT {COLUMNS} FROM entries WHERE json_extract(content, '$.sha256') = ? AND kind = ?"


class Results:
    """An open results file. One object for one thread; several processes may have the same file open.

    Any method raises RealignError where the disk is full or another process holds the file for too long, MissingError
    where the file is damaged or may not be used.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, station: str = "") -> None:
        self.path, self._db, self._station = path, db, station

    @classmethod
    def open(cls, home: Path, station: str = "") -> "Results":
        """Open or create a station's results for writing. station: for rows that do not name one.

        Raises:
            MissingError: the file is of a newer version or of another program.
        """
        path = home / FILE
        db = connect(path, steps=STEPS, synchronous="FULL", what=WHAT)
        results = cls(path, _ours(db, path), station)
        # What cannot be made good now is told by whoever writes the next row, or by `verify`.
        with contextlib.suppress(OSError, sqlite3.Error, RealignError):
            results._make_good()
        return results

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Open a results file, or a backup of one, for reading alone. path: the file, or the folder it lies in.

        Raises:
            MissingError: it is not there, or is no results file.
        """
        file = path / FILE if path.is_dir() else path
        if not file.is_file():
            raise MissingError(f"no results at {file}", "inspect photos first: realign-edge inspect PHOTOS")
        with explained(file, WHAT):
            db = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30.0)
        return cls(file, _ours(db, file))

    def __enter__(self) -> "Results":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is lost without it."""
        self._db.close()

    # Writing

    def append(self, content: Content) -> Entry:
        """Write a row; once this returns, a power cut does not lose it.

        Raises:
            RealignError: rows are missing that were there, so that a new one would cover up their loss.
            UsageError: a disposition that fits no row.
        """
        with self._writing() as prepare:
            return self._write(content, prepare)

    def append_new(self, content: Inspection | Refused) -> tuple[Entry, bool]:
        """Write a row about a photo unless it has one; the row, and whether it is new.

        A photo is inspected once, and refused once under each name. Of two processes at once, one writes.

        Raises:
            RealignError: see `append`.
        """
        with self._writing() as prepare:
            found = self.inspected(content.sha256) if isinstance(content, Inspection) else self.refused(content)
            return found or self._write(content, prepare), found is None

    @contextmanager
    def _writing(self) -> Iterator[Callable[[Head], None]]:
        """A row and the head that names it: where there is no room for both, there is neither."""
        try:
            with next_head(self.path) as prepare, transaction(self._db, self.path, WHAT):
                self._refuse_shortened()
                yield prepare
        except OSError as problem:
            if (said := explain(problem)) is None:
                raise
            raise RealignError(*said) from problem

    def _make_good(self) -> None:
        """Raise a head that is one row behind, as a stop between a row and its head leaves it."""
        if self.behind() != 1:
            return
        with next_head(self.path) as prepare:
            # Again: whoever was between the two when it was looked at first is done by now.
            head, last = read_head(self.path), self._last()
            if head is not None and last.entries == head.entries + 1 and self._follows(last.entries, head):
                prepare(last)

    def behind(self) -> int:
        """How many rows the head does not know of yet; 0 also where there is none, or where rows are missing."""
        with explained(self.path, WHAT):
            head = read_head(self.path)
            return max(0, self._last().entries - head.entries) if head is not None else 0

    def _follows(self, number: int, head: Head) -> bool:
        """Is this row as it was written, and the one after the one that the head knows?"""
        row = Stored(*self._db.execute(f"SELECT {COLUMNS} FROM entries WHERE number = ?", (number,)).fetchone())
        return row.previous == head.hash and row_hash(row.number, row.kind, row.content, row.previous) == row.hash

    def _write(self, content: Content, prepare: Callable[[Head], None]) -> Entry:
        if not isinstance(content, Disposition):
            content = replace(content, station=content.station or self._station)
        else:
            from realign_edge.results.decide import check

            check(content, self.entry(content.entry))
        last = self._last()
        kind, text = kind_of(content), canonical(content)
        number = last.entries + 1
        row = Stored(number, kind, text, last.hash, row_hash(number, kind, text, last.hash))
        values = (row.number, row.kind, row.content, row.previous, row.hash)
        self._db.execute(f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?)", values)
        prepare(Head(number, row.hash))
        return entry_of(row)

    def _refuse_shortened(self) -> None:
        """Inside a writing transaction no other process can be between its row and its head."""
        head = read_head(self.path)
        count = self._last().entries
        if head is None or count > head.entries + MOST_BEHIND:
            if count > MOST_BEHIND:
                raise RealignError(_no_head(self.path, head, count), RESTORE)
            return
        if head.entries == 0:
            return
        found = self._db.execute("SELECT hash FROM entries WHERE number = ?", (head.entries,)).fetchone()
        if found is None or found[0] != head.hash:
            raise RealignError(
                f"{self.path} is not what it was: it had {head.entries} rows, the last with hash {head.hash[:12]}, "
                f"says {head_path(self.path).name}",
                RESTORE,
            )

    # Reading

    def entries(
        self, since: str | None = None, until: str | None = None, lot: str | None = None, query: Query | None = None
    ) -> Iterator[Entry]:
        """Rows in the order of their numbers; see Query for what narrows them."""
        wanted = query or Query(since=since, until=until, lot=lot)
        yield from (self._entry(row) for row in self._rows(*wanted.sql()))

    def entry(self, number: int) -> Entry | None:
        """One row; None where there is no such number."""
        return self._first(f"SELECT {COLUMNS} FROM entries WHERE number = ?", number)

    def inspected(self, sha256: str, bundle_id: str = "") -> Entry | None:
        """The newest inspection of a photo: by this bundle, or by any."""
        newest = f"{_BY_PHOTO}{' AND json_extract(content, ?) = ?' if bundle_id else ''} ORDER BY number DESC LIMIT 1"
        return self._first(newest, sha256, "inspection", *(("$.bundle_id", bundle_id) if bundle_id else ()))

    def refused(self, like: Refused) -> Entry | None:
        """The row that refused these bytes under this name; where they could not be read, for this reason."""
        same = f"{_BY_PHOTO} AND json_extract(content, '$.name') = ?"
        if like.sha256:
            return self._first(same, like.sha256, "refused", like.name)
        return self._first(f"{same} AND json_extract(content, '$.reason') = ?", "", "refused", like.name, like.reason)

    def decisions(self, number: int) -> tuple[Entry, ...]:
        """What people decided about a row, the last at the end."""
        query = f"SELECT {COLUMNS} FROM entries WHERE json_extract(content, '$.entry') = ? AND kind = 'disposition'"
        return tuple(map(self._entry, self._rows(f"{query} ORDER BY number", [number])))

    def count(self, bundle_id: str) -> int:
        """How many inspections a bundle has made."""
        query = "SELECT count(*) FROM entries WHERE kind = 'inspection' AND json_extract(content, '$.bundle_id') = ?"
        with explained(self.path, WHAT):
            return int(self._db.execute(query, (bundle_id,)).fetchone()[0])

    def head(self) -> Head:
        """Number of rows and hash of the last."""
        with explained(self.path, WHAT):
            return self._last()

    def verify(self, expect: Head | None = None, progress: Progress | None = None) -> list[Problem]:
        """Everything that is not as it was written; see results/verify.py. expect: a head that somebody kept."""
        from realign_edge.results.verify import problems

        with explained(self.path, WHAT):
            return problems(self._db, self.path, expect, progress)

    def backup(self, target: Path) -> Head:
        """Copy all of it, while others go on writing; see results/backup.py."""
        from realign_edge.results.backup import back_up

        return back_up(self._db, self.path, target)

    def _last(self) -> Head:
        row = self._db.execute("SELECT number, hash FROM entries ORDER BY number DESC LIMIT 1").fetchone()
        return Head(*row) if row else Head(0, "")

    def _first(self, query: str, *values: object) -> Entry | None:
        return next((self._entry(row) for row in self._rows(query, list(values))), None)

    def _rows(self, query: str, values: list[object]) -> Iterator[tuple[object, ...]]:
        with explained(self.path, WHAT):
            # Not fetched as a whole: a station has many rows.
            yield from self._db.execute(query, values)

    def _entry(self, row: tuple[object, ...]) -> Entry:
        stored = Stored(*row)  # type: ignore[arg-type]
        try:
            return entry_of(stored)
        except ValueError as problem:
            raise MissingError(
                f"row {stored.number} of {self.path} cannot be read: {problem}",
                "look with `realign-edge results verify`; `realign-edge maintain restore latest` puts a backup back",
            ) from problem


def _no_head(path: Path, head: Head | None, count: int) -> str:
    name = head_path(path).name
    said = f"{name} is missing" if head is None else f"{name} knows of {head.entries} rows"
    return f"{path} has {count} rows, and {said}: whether rows were taken off or put on behind cannot be told any more"


def _ours(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """The connection, if it is one to results. Text that is no UTF-8 any longer is for the chain to tell.

    Raises:
        MissingError: the file belongs to another program, or to another part of this one.
    """
    db.text_factory = _text
    try:
        with explained(path, WHAT):
            found = db.execute("PRAGMA application_id").fetchone()[0]
        if found != APPLICATION_ID:
            raise MissingError(f"{path} does not hold the results of a station", "name results.sqlite, or a backup")
    except BaseException:
        db.close()
        raise
    return db


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
