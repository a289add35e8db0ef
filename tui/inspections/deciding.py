"""What a decision is made of: which dialogs a key leads through, and the row that it becomes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from realign_edge.glossary.model import Glossary
from realign_edge.photos.text import clean
from realign_edge.results.model import Decision, Disposition, Inspection, Verdict
from tui.context import Language
from tui.inspections.names import meant

Answer = Literal["PASS", "FAIL"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a person wrote; defects and locations separated by `;`."""

    reason: str = ""
    defects: str = ""
    locations: str = ""
    note: str = ""

    def meant(self, names: Glossary, language: Language) -> "Told":
        """The same with the names of defects and places by which they are kept."""
        return replace(
            self, **{field: _each(getattr(self, field), lambda n: meant(names, n, language)) for field in _NAMES}
        )


_NAMES = ("defects", "locations")


def _each(text: str, change: Callable[[str], str]) -> str:
    return "; ".join(change(part.strip()) for part in text.split(";")) if text.strip() else text


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision so far. seen: number of the newest decision that the person had before the eyes."""

    entry: int
    inspection: Inspection
    decision: Decision
    verdict: Answer | None = None
    seen: int = 0

    @property
    def asks_verdict(self) -> bool:
        """Must the person say PASS or FAIL? To overrule a PASS is to say FAIL."""
        if self.verdict is not None or self.decision == "retake":
            return False
        station = self.inspection.verdict
        return station != "PASS" if self.decision == "overrule" else station == "REVIEW"

    @property
    def fields(self) -> tuple[str, ...]:
        """What is asked for in words; nothing where one key says it all."""
        if self.decision == "retake":
            return ("reason",)
        if self.decision == "overrule":
            return ("reason", "defects", "locations", "note") if self.verdict == "FAIL" else ("reason", "note")
        unseen = self.verdict == "FAIL" and not self.inspection.findings
        return ("defects", "locations", "note") if unseen else ()

    @property
    def needed(self) -> frozenset[str]:
        """Fields that may not stay empty, as results/decide.py wants it."""
        if self.decision == "overrule":
            return frozenset(("reason", "defects")) if self.verdict == "FAIL" else frozenset(("reason",))
        return frozenset(("defects",)) if self.decision == "agree" and self.fields else frozenset()

    def given(self, names: Glossary, language: Language) -> Told:
        """What stands in the fields at first: the station's findings, to be corrected, as the plant calls them."""
        if self.verdict != "FAIL" or self.decision != "overrule":
            return Told()
        findings = self.inspection.findings
        defects, locations = ([names.called(n, language) for n in found]
                              for found in ([f.defect for f in findings], [f.location for f in findings]))  # fmt: skip
        return Told(defects="; ".join(defects), locations="; ".join(locations))


def disposition(draft: Draft, told: Told, person: str, now: float) -> Disposition:
    """The row. now: seconds since the epoch."""
    fails = draft.verdict == "FAIL"
    verdict: Verdict | None = draft.verdict
    defects = _parts(told.defects) if fails else ()
    return Disposition(
        entry=draft.entry,
        sha256=draft.inspection.sha256,
        decision=draft.decision,
        operator=clean(person),
        decided_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        verdict=verdict or "",
        reason=clean(told.reason),
        note=clean(told.note),
        defects=tuple(filter(None, defects)),
        locations=_parts(told.locations) if fails and told.locations.strip("; ") else (),
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(clean(part) for part in text.split(";"))
