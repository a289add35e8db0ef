"""The inspection report of a results file: rows joined with what people said to them, cut to a period, counted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, tzinfo

from realign_edge import __version__
from realign_edge.errors import UsageError
from realign_edge.files import fingerprint
from realign_edge.reports import figures
from realign_edge.reports.model import (
    FINALS,
    Chain,
    Filters,
    Final,
    Heading,
    InspectionReport,
    Origin,
    RefusedRow,
    Row,
    Summary,
)
from realign_edge.reports.tidy import tidied, tidy
from realign_edge.results.model import Disposition, Entry, Inspection


@dataclass(frozen=True)
class Wanted:
    """What to report, and what the results do not say: site, title and number ("" for the usual), date and zone."""

    made_at: datetime
    zone: tzinfo = UTC
    filters: Filters = field(default_factory=Filters)
    number: str = ""
    title: str = ""
    site: str = ""


@dataclass
class _Read:
    """What was read so far."""

    rows: dict[int, Inspection] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)
    said: dict[int, list[Disposition]] = field(default_factory=dict)
    entries: int = 0
    head: str = ""


def inspection_report(
    entries: Iterable[Entry],
    wanted: Wanted,
    thresholds: Callable[[str], Mapping[str, float]] | None = None,
    problems: int | None = None,
) -> InspectionReport:
    """Build it from *all* entries of a results file, in order; the filters are applied here.

    A disposition counts whenever it was made. thresholds: those of a bundle, by its id; problems: how many the
    chain's verification found, None if it was not verified.

    Raises:
        UsageError: a filter makes no sense.
    """
    _check(wanted.filters)
    read = _read(entries, wanted)
    every = [Row(n, i, tuple(read.said.get(n, ())), _final(i, read.said.get(n, []))) for n, i in read.rows.items()]
    rows = _newest_of_each_photo(every)
    shown = tuple(r for r in rows if wanted.filters.verdict in ("", r.final))
    refused = () if wanted.filters.lot else tuple(read.refused)
    chain = Chain(read.entries, read.head, problems)
    bundles = {r.inspection.bundle_id: r.inspection.model_sha256 for r in rows}
    return InspectionReport(
        _heading(rows, wanted, chain),
        _summary(rows, len(every) - len(rows), len(refused), wanted.zone),
        Origin(
            bundles, dict(thresholds(rows[-1].inspection.bundle_id) if thresholds and rows else {}), chain, __version__
        ),
        shown,
        refused,
    )


def _check(filters: Filters) -> None:
    for name in ("since", "until"):
        value = getattr(filters, name)
        try:
            date.fromisoformat(value or "2026-01-01")
        except ValueError:
            raise UsageError(f"`{value}` is no day", f"write --{name} as YYYY-MM-DD, such as 2026-04-01") from None
    if filters.since and filters.until and filters.since > filters.until:
        raise UsageError(f"--since {filters.since} is after --until {filters.until}")
    if filters.verdict not in ("", *FINALS):
        raise UsageError(f"unknown verdict `{filters.verdict}`", f"verdicts: {', '.join(FINALS)}")


def _read(entries: Iterable[Entry], wanted: Wanted) -> _Read:
    read = _Read()
    for entry in entries:
        read.entries, read.head = read.entries + 1, entry.hash
        content = entry.content
        if isinstance(content, Disposition):
            read.said.setdefault(content.entry, []).append(tidied(content))
        elif isinstance(content, Inspection):
            if wanted.filters.lot in ("", content.lot) and _within(content.inspected_at, wanted):
                read.rows[entry.number] = tidied(content)
        elif _within(content.refused_at, wanted):
            read.refused.append(RefusedRow(entry.number, tidied(content)))
    return read


def moment(text: str, zone: tzinfo) -> datetime | None:
    """A time of the results file (UTC where it does not say) in `zone`; None where it is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(zone)
    except OverflowError:
        return None


def _within(text: str, wanted: Wanted) -> bool:
    """Is it in the period? What has no readable time is never hidden."""
    filters = wanted.filters
    if not (filters.since or filters.until):
        return True
    time = moment(text, wanted.zone)
    day = time.date().isoformat() if time else ""
    return not day or (filters.since or day) <= day <= (filters.until or day)


def _final(inspection: Inspection, said: list[Disposition]) -> Final:
    """The last person's verdict; without one, the station's."""
    if not said:
        return inspection.verdict
    if said[-1].decision == "retake":
        return "RETAKE"
    return said[-1].verdict or inspection.verdict


def _newest_of_each_photo(rows: list[Row]) -> list[Row]:
    """Another bundle may have inspected a photo again: the later inspection stands for it."""
    newest = {row.inspection.sha256: row.number for row in rows}
    return [row for row in rows if newest[row.inspection.sha256] == row.number]


def _summary(rows: list[Row], superseded: int, refused: int, zone: tzinfo) -> Summary:
    finals = [r.final for r in rows]
    timed = [(r, t) for r in rows if (t := moment(r.inspection.inspected_at, zone))]
    return Summary(
        len(rows),
        figures.shares(r.inspection.verdict for r in rows),
        figures.shares(finals),
        figures.passed(finals),
        figures.parts(rows),
        figures.people(rows),
        refused,
        superseded,
        figures.defect_counts(rows),
        figures.trend([r for r, _ in timed], [t for _, t in timed]),
    )


def _heading(rows: list[Row], wanted: Wanted, chain: Chain) -> Heading:
    found = [r.inspection for r in rows]
    times = sorted(t for i in found if (t := moment(i.inspected_at, wanted.zone)))
    people = {i.operator for i in found} | {d.operator for r in rows for d in r.dispositions}
    made_at = wanted.made_at.astimezone(wanted.zone)
    return Heading(
        tidy(wanted.number) or _number(made_at, chain, wanted.filters),
        tidy(wanted.title),
        tidy(wanted.site),
        made_at,
        times[0] if times else None,
        times[-1] if times else None,
        _distinct(i.station for i in found),
        _distinct(people),
        _distinct(i.lot for i in found),
        _distinct(i.serial for i in found),
        wanted.filters,
    )


def _number(made_at: datetime, chain: Chain, filters: Filters) -> str:
    """The same for the same day, results and filters, and another for other ones."""
    cut = "" if filters == Filters() else f"-{fingerprint(asdict(filters))[:4].upper()}"
    return f"IR-{made_at:%Y%m%d}-{(chain.head or '0')[:6].upper()}{cut}"


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({n for n in names if n}))
