"""A results file as it grows: what a list shows of each photo, kept up to date without reading anything twice."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from realign_edge.errors import MissingError
from realign_edge.results.model import Disposition, Entry, Inspection, Refused, Verdict
from realign_edge.results.query import Query
from realign_edge.results.store import FILE, Results

Final = Literal["REVIEW", "FAIL", "RETAKE", "PASS", "REFUSED"]
# Photos that are held at most, of those that wait and of the others; beyond that the oldest are let go.
MOST = 10_000
# Looks in a row that may trust the file's dates alone.
_TRUST = 10
Mark = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What a list shows of a photo. at: UTC, ISO 8601; verdict: the station's, "" for a file that it refused;
    said: the last decision about it, said_row: its number, 0 without one.
    """

    number: int
    sha256: str
    name: str
    at: str
    verdict: Verdict | Literal[""]
    about: str
    lot: str = ""
    said: Disposition | None = None
    said_row: int = 0

    @property
    def final(self) -> Final:
        """What counts now: the last person's word, else the station's."""
        if not self.verdict:
            return "REFUSED"
        if self.said is None:
            return self.verdict
        return "RETAKE" if self.said.decision == "retake" else self.said.verdict or self.verdict


class Follower:
    """Follows one results file. Used by one thread at a time.

    since: only what was said from then on (UTC, ISO 8601; "" for all), and in any case what waits for a person.
    """

    def __init__(self, path: Path, since: str = "", most: int = MOST) -> None:
        self.path, self._since, self._most = path / FILE if path.is_dir() else path, since, most
        self._rows: dict[int, Row] = {}
        self._newest: dict[str, int] = {}
        self._last, self._hash = 0, ""
        self._mark: Mark = ()
        self._trusted = 0
        self.cut = False

    @property
    def rows(self) -> tuple[Row, ...]:
        """In the order of their numbers; of a photo that was inspected again, the newest inspection alone."""
        return tuple(r for n, r in sorted(self._rows.items()) if not r.verdict or self._newest.get(r.sha256, n) == n)

    @property
    def last(self) -> int:
        """Number of the newest row of the file, whatever it says."""
        return self._last

    def look(self) -> bool:
        """Take up what is new; was there anything?

        Raises:
            MissingError: there is no such file, or it is none of ours.
            RealignError: another process holds it for too long.
        """
        mark = self._dates()
        if mark == self._mark and self._trusted < _TRUST:
            self._trusted += 1
            return False
        with Results.read(self.path) as results:
            changed = self._replaced(results)
            entries = list(self._begin(results) if changed else results.entries(query=Query(after=self._last)))
            for entry in entries:
                self._take(entry)
        self._mark, self._trusted = mark, 0
        self._let_go()
        return changed or bool(entries)

    def _dates(self) -> Mark:
        """Of the file and its write-ahead log; taken before reading, so that a write in between is seen next time."""
        found = []
        for path in (self.path, Path(f"{self.path}-wal")):
            try:
                status = path.stat()
                found.append((status.st_ino, status.st_mtime_ns, status.st_size))
            except OSError:
                found.append((0, 0, 0))
        if not found[0][0]:
            self._mark = ()
            raise MissingError(f"no results at {self.path}", "inspect photos first: realign-edge inspect PHOTOS")
        return tuple(found)

    def _replaced(self, results: Results) -> bool:
        """Is it the first look, or the file another one than before: a backup that was brought back, a new one?"""
        if not self._last:
            return True
        known = results.entry(self._last)
        return known is None or known.hash != self._hash

    def _begin(self, results: Results) -> Iterable[Entry]:
        """What the list begins with: what waits, the newest, and every decision about those."""
        self._rows, self._newest = {}, {}
        # First, so that a row that is written between the following looks is new at the next one.
        head = results.head()
        self._last, self._hash = head.entries, head.hash
        waiting = list(results.entries(query=Query(review=True, newest=self._most)))
        newest = list(results.entries(query=Query(since=self._since or None, newest=self._most)))
        self.cut = self._most in (len(waiting), len(newest))
        shown = {e.number: e for e in [*waiting, *newest] if not isinstance(e.content, Disposition)}
        if shown:
            said = results.entries(query=Query(kind="disposition", after=min(shown)))
            shown |= {e.number: e for e in said}
        return [shown[number] for number in sorted(shown) if number <= head.entries]

    def _take(self, entry: Entry) -> None:
        content = entry.content
        if entry.number > self._last:
            self._last, self._hash = entry.number, entry.hash
        if isinstance(content, Disposition):
            if (known := self._rows.get(content.entry)) is not None and known.said_row < entry.number:
                self._rows[content.entry] = replace(known, said=content, said_row=entry.number)
            return
        self._rows[entry.number] = row_of(entry.number, content)
        if isinstance(content, Inspection):
            self._newest[content.sha256] = max(entry.number, self._newest.get(content.sha256, 0))

    def _let_go(self) -> None:
        """A list that is open for months keeps its size: of what waits and of the rest, the oldest go."""
        for waits in (True, False):
            group = [n for n, r in sorted(self._rows.items()) if (r.final == "REVIEW") == waits]
            if len(group) > self._most + self._most // 5:
                self.cut = True
                for number in group[: len(group) - self._most]:
                    gone = self._rows.pop(number)
                    if self._newest.get(gone.sha256) == number:
                        del self._newest[gone.sha256]


def row_of(number: int, content: Inspection | Refused) -> Row:
    """A row of the file as a list shows it."""
    if isinstance(content, Refused):
        return Row(number, content.sha256, content.name, content.refused_at, "", content.reason)
    return Row(
        number, content.sha256, content.name, content.inspected_at, content.verdict, content.description, content.lot
    )
