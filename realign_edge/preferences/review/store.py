"""The log of decisions in the catalog: append-only, safe on the disk before anybody is told, for many at a time."""

import sqlite3
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from realign_edge.photos.database import connect, explained, transaction
from realign_edge.preferences.review.model import Decision, Verdict

_COLUMNS = "pair_id, photo, retrieved, verdict, reviewer, decided_at, chosen, rejected, note"
# Somebody who has had a pair on the screen for longer has gone away.
SEAT_S = 600.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log: a decision, or one that takes decision number `takes_back` back."""

    decision: Decision
    takes_back: int | None


class ReviewStore:
    """The decisions in the catalog at `path`.

    Every call opens the file for itself, so that one object serves any thread, and two people at two terminals see
    each other's decisions at the next look. A decision cannot be made again as pairs can, so it is synced to the disk
    (`synchronous = FULL`) before the call returns.

    Every method raises RealignError where another process holds the file for too long or the disk is full, and
    MissingError where the file is damaged or may not be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, decision: Decision) -> Decision:
        """Keep a decision; returns it with its number."""
        with self._open() as db, transaction(db, self.path):
            return replace(decision, number=_insert(db, decision, None))

    def take_back(self, reviewer: str, among: Container[str], decided_at: str) -> Decision | None:
        """Take this reviewer's last standing decision about any pair of `among` back; None where there is none.

        The one before it about the same pair, if there is one, holds again.
        """
        with self._open() as db, transaction(db, self.path):
            own = [d for d in standing(_rows(db, 0)) if d.reviewer == reviewer and d.pair_id in among]
            if not own:
                return None
            last = max(own, key=lambda d: d.number)
            _insert(db, replace(last, decided_at=decided_at, note=""), last.number)
            return last

    def rows(self, after: int = 0) -> tuple[Row, ...]:
        """The log behind number `after`, oldest first."""
        with self._open() as db, explained(self.path):
            return _rows(db, after)

    def sit(self, seat: str, reviewer: str, pair_id: str, now: float) -> None:
        """Say that somebody looks at a pair now; "" says that nobody sits there any longer. now: s since the epoch."""
        with self._open() as db, transaction(db, self.path):
            db.execute("DELETE FROM review_seats WHERE seat = ? OR since < ?", (seat, now - SEAT_S))
            if pair_id:
                db.execute("INSERT INTO review_seats VALUES (?, ?, ?, ?)", (seat, reviewer, pair_id, now))

    def seated(self, reviewer: str, now: float) -> dict[str, str]:
        """Pairs that others than this reviewer look at now, with who does."""
        with self._open() as db, explained(self.path):
            query = "SELECT pair_id, reviewer FROM review_seats WHERE reviewer != ? AND since >= ? ORDER BY seat"
            return dict(db.execute(query, (reviewer, now - SEAT_S)).fetchall())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = connect(self.path, synchronous="FULL")
        try:
            yield db
        finally:
            db.close()


def standing(rows: tuple[Row, ...]) -> list[Decision]:
    """The decisions that were not taken back, oldest first; an earlier one of the same person about a pair included."""
    gone = {row.takes_back for row in rows}
    return [row.decision for row in rows if row.takes_back is None and row.decision.number not in gone]


def _insert(db: sqlite3.Connection, d: Decision, takes_back: int | None) -> int:
    verdict: Verdict | str = d.verdict if takes_back is None else "undo"
    values = (d.pair_id, d.photo, d.retrieved, verdict, d.reviewer, d.decided_at, d.chosen, d.rejected, d.note)
    places = ", ".join("?" * (len(values) + 1))
    added = db.execute(f"INSERT INTO review_log ({_COLUMNS}, takes_back) VALUES ({places})", (*values, takes_back))
    assert added.lastrowid is not None
    return added.lastrowid


def _rows(db: sqlite3.Connection, after: int) -> tuple[Row, ...]:
    found = db.execute(
        f"SELECT takes_back, {_COLUMNS}, number FROM review_log WHERE number > ? ORDER BY number", (after,)
    ).fetchall()
    return tuple(_row(values) for values in found)


def _row(values: tuple[Any, ...]) -> Row:
    takes_back, *said = values
    return Row(Decision(*said), takes_back)
