"""Facts about an inspection report as labelled lines, the same in HTML and PDF."""

from realign_edge.reports.language import Words
from realign_edge.reports.model import InspectionReport
from realign_edge.reports.tidy import clipped

_MOST_NAME = 120


def facts(report: InspectionReport, words: Words) -> tuple[tuple[str, str], ...]:
    """What the head of a report says: (label, text)."""
    head = report.heading
    period = words("heading.none")
    if head.begins and head.ends:
        same_day = head.begins.date() == head.ends.date()
        end = f"{head.ends:%H:%M}" if same_day else words.minute(head.ends)
        period = f"{words.minute(head.begins)} – {end} ({head.ends:%Z})"
    return (
        (words("heading.number"), head.number),
        (words("heading.site"), head.site or words("heading.none")),
        (words("heading.station"), some(head.stations, words)),
        (words("heading.period"), period),
        (words("heading.lot"), some(head.lots, words)),
        (words("heading.serial"), some(head.serials, words)),
        (words("heading.operator"), some(head.operators, words, 6)),
        (words("heading.made"), f"{words.minute(head.made_at)} ({head.made_at:%Z})"),
        (words("heading.filter"), shown_range(report, words)),
    )


def some(names: tuple[str, ...], words: Words, most: int = 3) -> str:
    """A few names, or the first, the last and how many."""
    names = tuple(clipped(n, _MOST_NAME) for n in names)
    if len(names) <= most:
        return ", ".join(names) or words("heading.none")
    return words("heading.many", first=names[0], last=names[-1], n=words.count(len(names)))


def shown_range(report: InspectionReport, words: Words) -> str:
    """What the filters let through, in words."""
    filters, parts = report.heading.filters, []
    if filters.since:
        parts.append(words("heading.since", day=filters.since))
    if filters.until:
        parts.append(words("heading.until", day=filters.until))
    if filters.lot:
        parts.append(f"{words('heading.lot')} {clipped(filters.lot, _MOST_NAME)}")
    if filters.verdict:
        parts.append(words("heading.verdict_only", verdict=words(f"verdict.{filters.verdict}")))
    return ", ".join(parts) or words("heading.whole")


def headline(report: InspectionReport, words: Words) -> str:
    """The sentence that says how far people have come."""
    summary = report.summary
    if not summary.photos:
        return words("summary.empty")
    waiting = summary.final["REVIEW"].count
    if waiting:
        return words("summary.sentence_open", open=words.count(waiting), n=words.count(summary.photos))
    return words("summary.sentence_done")


def notes(report: InspectionReport, words: Words) -> tuple[str, ...]:
    """What one must know to read the figures."""
    summary, found = report.summary, [words("summary.yield_note")]
    if report.origin.chain.problems:
        found.append(f"{words('origin.chain')}: {chain_state(report, words)}")
    if summary.superseded:
        found.append(words("summary.superseded", n=words.count(summary.superseded)))
    if report.heading.filters.verdict:
        verdict = words(f"verdict.{report.heading.filters.verdict}")
        shown, n = words.count(len(report.rows)), words.count(summary.photos)
        found.append(words("summary.filtered", n=n, verdict=verdict, shown=shown))
    return tuple(found)


def origin_facts(report: InspectionReport, words: Words) -> tuple[tuple[str, str], ...]:
    """What the verdicts rest on: bundles and their models, thresholds, the results file's chain."""
    origin, found = report.origin, []
    for bundle, model in sorted(origin.bundles.items()):
        found += [(words("origin.bundle"), clipped(bundle, _MOST_NAME)), (words("origin.model"), model)]
    limits = ", ".join(f"{name} {value:.3g}" for name, value in sorted(origin.thresholds.items()))
    return (
        *found,
        (words("origin.thresholds"), limits or words("origin.no_thresholds")),
        (words("origin.entries"), words.count(origin.chain.entries)),
        (words("origin.head"), origin.chain.head or words("heading.none")),
        (words("origin.chain"), chain_state(report, words)),
    )


def chain_state(report: InspectionReport, words: Words) -> str:
    """Was the chain verified, and did it hold?"""
    problems = report.origin.chain.problems
    if problems is None:
        return words("origin.unchecked")
    return words("origin.broken", n=words.count(problems)) if problems else words("origin.intact")
