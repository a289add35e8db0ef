"""Which rows are asked for."""

from dataclasses import dataclass
from typing import Any

from realign_edge.results.content import Kind
from realign_edge.results.migrations import SAID_AT
from realign_edge.results.model import Verdict

COLUMNS = "number, kind, content, previous, hash"
# A person has not yet decided, and no later inspection of the same photo stands for this one.
_QUEUE = """kind = 'inspection' AND json_extract(content, '$.verdict') = 'REVIEW'
    AND NOT EXISTS (SELECT 1 FROM entries AS d WHERE d.kind = 'disposition'
        AND json_extract(d.content, '$.entry') = entries.number)
    AND NOT EXISTS (SELECT 1 FROM entries AS l WHERE l.kind = 'inspection' AND l.number > entries.number
        AND json_extract(l.content, '$.sha256') = json_extract(entries.content, '$.sha256'))"""


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; what is empty does not narrow.

    since, until: UTC, ISO 8601 with seconds as the rows have it; until itself is not included. review: only
    inspections that wait for a person. newest: so many of the newest, 0 for all. after: only rows behind this number.
    """

    kind: Kind | None = None
    verdict: Verdict | None = None
    lot: str | None = None
    since: str | None = None
    until: str | None = None
    bundle_id: str | None = None
    review: bool = False
    newest: int = 0
    after: int = 0

    def sql(self) -> tuple[str, list[Any]]:
        """The statement that finds the rows in the order of their numbers, and its values."""
        conditions, values = self._conditions()
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        found = f"SELECT {COLUMNS} FROM entries{where} ORDER BY number"
        if self.newest:
            found = f"SELECT * FROM ({found} DESC LIMIT ?) ORDER BY number"
            values.append(self.newest)
        return found, values

    def _conditions(self) -> tuple[list[str], list[Any]]:
        wanted: tuple[tuple[str, Any], ...] = (
            ("kind = ?", self.kind),
            ("json_extract(content, '$.verdict') = ? AND kind = 'inspection'", self.verdict),
            ("json_extract(content, '$.lot') = ?", self.lot),
            ("json_extract(content, '$.bundle_id') = ?", self.bundle_id),
            (f"{SAID_AT} >= ?", self.since),
            (f"{SAID_AT} < ?", self.until),
            ("number > ?", self.after or None),
        )
        chosen = [(c, v) for c, v in wanted if v is not None]
        return [c for c, _ in chosen] + ([_QUEUE] if self.review else []), [v for _, v in chosen]
