"""Photo after photo through one inspector; what is no photo is refused by name, and the rest goes on."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from realign_edge.photos.regular import Refusal
from realign_edge.results.model import Inspection, Refused
from realign_edge.station.arriving.ahead import Opened, opened_ahead
from realign_edge.station.arriving.arrivals import Arrival
from realign_edge.station.inspecting.inspector import Inspector


def inspect_all(inspector: Inspector, found: Iterable[Arrival]) -> Iterator[Inspection | Refused]:
    """One result for each arrival, in their order."""
    for opened in opened_ahead(found):
        yield _inspected(inspector, opened)


def _inspected(inspector: Inspector, opened: Opened) -> Inspection | Refused:
    """The file inspected, or why that is not possible."""
    arrival = opened.arrival
    try:
        if isinstance(opened.rgb, Refusal):
            raise opened.rgb
        return inspector.inspect_decoded(opened.rgb, opened.sha256, arrival.name, arrival.context)
    except Refusal as refusal:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Refused(arrival.name, str(refusal), now, opened.sha256, arrival.context.station)


@dataclass
class Done:
    """What came out of a piece of work."""

    inspections: list[Inspection] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def take(self, result: Inspection | Refused) -> None:
        """Count a result."""
        if isinstance(result, Inspection):
            self.inspections.append(result)
        else:
            self.refused.append(result)

    @property
    def counts(self) -> dict[str, int]:
        """Photos by verdict; every verdict is named."""
        found = Counter(i.verdict for i in self.inspections)
        return {verdict: found[verdict] for verdict in ("PASS", "FAIL", "REVIEW")}

    def counted(self) -> str:
        """The counts in words."""
        words = ", ".join(f"{n} {verdict}" for verdict, n in self.counts.items())
        return f"{words}, {len(self.refused)} refused" if self.refused else words
