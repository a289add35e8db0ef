"""What an inspection report holds, before it takes one of its four forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Literal

from realign_edge.results.model import Disposition, Inspection, Refused

Language = Literal["en", "ja"]
# What stands in the end: the station's verdict, or a person's; RETAKE: a person asked for another photo.
Final = Literal["PASS", "FAIL", "REVIEW", "RETAKE"]
FINALS: tuple[Final, ...] = ("PASS", "FAIL", "REVIEW", "RETAKE")


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, with Wilson's 95 % interval; value, low and high in [0, 1], NaN where `of` is 0."""

    count: int
    of: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Chain:
    """The results file: how many rows, the hash of the last ("" for none), and what was found wrong with the chain.

    problems: None where it was not checked.
    """

    entries: int
    head: str
    problems: int | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the report was cut to. Days are inclusive, in the report's time zone; "" for no limit."""

    since: str = ""
    until: str = ""
    lot: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One photo: number of its row in the results, what the station said, what people said to that, what stands."""

    number: int
    inspection: Inspection
    dispositions: tuple[Disposition, ...]
    final: Final

    @property
    def decided(self) -> Disposition | None:
        """The disposition that stands: the last one."""
        return self.dispositions[-1] if self.dispositions else None

    @property
    def defects(self) -> tuple[tuple[str, str], ...]:
        """(defect, location) that stand: a person's who overruled the station, else the station's."""
        said = self.decided
        if said is not None and (said.defects or said.decision == "overrule"):
            places = (*said.locations, *[""] * len(said.defects))
            return tuple(zip(said.defects, places, strict=False))
        return tuple((f.defect, f.location) for f in self.inspection.findings)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A file that was not inspected, and the number of its row."""

    number: int
    refused: Refused


@dataclass(frozen=True, slots=True)
class DefectCount:
    """Photos that show a defect: `failed` where the final verdict is FAIL, `open` where nobody has decided yet."""

    defect: str
    failed: int
    open: int


@dataclass(frozen=True, slots=True)
class Period:
    """One bar of the trend: photos inspected from `start` on, by final verdict; failed: of those passed or failed."""

    start: datetime
    counts: Mapping[Final, int]
    failed: Share


@dataclass(frozen=True, slots=True)
class Trend:
    """step: how long one period is."""

    step: Literal["hour", "day", "week", "month"]
    periods: tuple[Period, ...]


@dataclass(frozen=True)
class Summary:
    """The figures, over every photo of the period and lot (a verdict filter does not narrow them).

    station, final: photos by the station's verdict, and by what stands after people's decisions; passed: PASS of PASS
    and FAIL; parts: the same over serial numbers, where every photo has one (a part passes if all its photos do);
    people: by decision, of all photos that people decided on; superseded: earlier inspections of a photo that was
    inspected again, not counted.
    """

    photos: int
    station: Mapping[Final, Share]
    final: Mapping[Final, Share]
    passed: Share
    parts: Share | None
    people: Mapping[str, Share]
    refused: int
    superseded: int
    defects: tuple[DefectCount, ...]
    trend: Trend


@dataclass(frozen=True)
class Origin:
    """What the verdicts rest on: bundle id to the hash of its model, thresholds of the newest bundle, chain."""

    bundles: Mapping[str, str]
    thresholds: Mapping[str, float]
    chain: Chain
    version: str


@dataclass(frozen=True)
class Heading:
    """What stands at the top of every form; begins and ends: of the inspections reported, None where there are none."""

    number: str
    title: str
    site: str
    made_at: datetime
    begins: datetime | None
    ends: datetime | None
    stations: tuple[str, ...]
    operators: tuple[str, ...]
    lots: tuple[str, ...]
    serials: tuple[str, ...]
    filters: Filters


@dataclass(frozen=True)
class InspectionReport:
    """All of it; rows and refused in the order of the results file. Times in the heading's zone, texts cleaned."""

    heading: Heading
    summary: Summary
    origin: Origin
    rows: tuple[Row, ...] = field(default=(), repr=False)
    refused: tuple[RefusedRow, ...] = field(default=(), repr=False)

    @property
    def zone(self) -> tzinfo:
        """The time zone that the report is written in."""
        return self.heading.made_at.tzinfo or UTC
