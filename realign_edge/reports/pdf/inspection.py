"""The inspection report on paper: page 1 is what is signed, then evidence, decisions, refusals, and every photo."""

from collections.abc import Iterator

from realign_edge.reports import charts
from realign_edge.reports.inspection import moment
from realign_edge.reports.language import Words
from realign_edge.reports.model import FINALS, InspectionReport, Row
from realign_edge.reports.pdf import parts
from realign_edge.reports.pdf.evidence import HEIGHT, card
from realign_edge.reports.pdf.paper import BOTTOM, LEFT, RIGHT, SPAN, Paper
from realign_edge.reports.pdf.plot import draw
from realign_edge.reports.pdf.summary import summary
from realign_edge.reports.pdf.table import Cell, Column, Table
from realign_edge.reports.pictures import Album, Find, worth_showing
from realign_edge.reports.rows import facts, origin_facts
from realign_edge.reports.tidy import clipped

# Longest edges of photos and past photos on paper in pixels (210 an inch at their size), and how many are shown.
_EDGE, _PAST_EDGE, _BUDGET, MOST_PHOTOS = 300, 105, 8_000_000, 48
_MOST_TEXT = 300
# Height of what the verdicts of one bundle rest on, in points.
_ORIGIN = 108.0


def inspection_pdf(report: InspectionReport, words: Words, find: Find, photos: int) -> bytes:
    """The file. photos: at most how many inspected photos are shown as pictures."""
    head = report.heading
    paper = Paper(words, head.title or words("title.inspection"), head.number, head.made_at)
    kicker = " · ".join(filter(None, [words("heading.sheet", number=head.number), head.site]))
    parts.title(paper, kicker)
    parts.facts(paper, facts(report, words))
    summary(paper, report)
    _charts(paper, report)
    # What is signed names what it rests on; where that is too much for page 1, it begins page 2.
    short = len(report.origin.bundles) <= 1 and paper.y + _ORIGIN <= BOTTOM - parts.SIGN_HEIGHT
    if short:
        _origin(paper, report)
    parts.signatures(paper)
    paper.new_page()
    if not short:
        _origin(paper, report)
    _evidence(paper, report, find, min(photos, MOST_PHOTOS))
    _people(paper, report)
    _refused(paper, report)
    _photos(paper, report)
    made_by = f"realign-edge {report.origin.version}"
    return parts.end(paper, " · ".join(filter(None, [paper.title, head.number, head.site, made_by])))


def _charts(paper: Paper, report: InspectionReport) -> None:
    found, words = report.summary, paper.words
    top, x = paper.y + 12, RIGHT - charts.HALF
    paper.text(LEFT, top + 10, words("pareto.section"), 10, bold=True)
    paper.text(x, top + 10, words("trend.section"), 10, bold=True)
    ends = [top + 40]
    if found.defects:
        ends.append(draw(paper, charts.pareto(found.defects, words, charts.HALF), LEFT, top + 18))
    else:
        paper.text(LEFT, top + 28, words("pareto.none"), 8, "soft")
    if found.trend.periods:
        ends.append(draw(paper, charts.trend(found.trend, words, charts.HALF), x, top + 18))
    else:
        paper.text(x, top + 28, words("trend.none"), 8, "soft")
    paper.y = max(ends)


def _origin(paper: Paper, report: InspectionReport) -> None:
    words = paper.words
    paper.y += 12
    paper.text(LEFT, paper.y + 8, words("origin.section"), 9.5, bold=True)
    paper.y += 14
    parts.facts(paper, origin_facts(report, words), size=7.6)
    parts.paragraph(paper, words("origin.chain_note"), "soft", 6.8)


def _evidence(paper: Paper, report: InspectionReport, find: Find, most: int) -> None:
    album, past = Album(find, _EDGE, _BUDGET), Album(find, _PAST_EDGE, _BUDGET)
    words, shown = paper.words, worth_showing(report.rows, most)
    waiting = [r for r in shown if r.final == "REVIEW"]
    others = [r for r in shown if r.final != "REVIEW"]
    count = sum(1 for r in report.rows if r.final == "REVIEW")
    parts.heading(paper, words("review.section"), HEIGHT + 20)
    text = words("review.intro", n=words.count(count)) if count else words("review.empty")
    parts.paragraph(paper, text, "soft")
    paper.y += 4
    for row in waiting:
        card(paper, row, album, past)
    if count > len(waiting):
        parts.paragraph(paper, words("review.more", n=words.count(count - len(waiting))), "soft")
    if others:
        parts.heading(paper, words("evidence.section"), HEIGHT + 20)
        intro = words("evidence.intro", shown=words.count(len(shown)), n=words.count(len(report.rows)))
        parts.paragraph(paper, intro, "soft")
        paper.y += 4
    for row in others:
        card(paper, row, album, past)


def _people(paper: Paper, report: InspectionReport) -> None:
    words, found = paper.words, report.summary.people
    parts.heading(paper, words("people.section"))
    if not any(row.dispositions for row in report.rows):
        parts.paragraph(paper, words("people.empty"), "soft")
        return
    counts = ", ".join(
        f"{words(f'decision.{d}')} {words.count(s.count)} ({words.percent(s.value)}, {words.interval(s)})"
        for d, s in found.items()
    )
    of = next(iter(found.values())).of
    parts.paragraph(paper, f"{words('summary.people', n=words.count(of))} {counts}", "soft", 8)
    columns = [
        Column(words("table.row"), 32, right=True), Column(words("table.time"), 66, most=1),
        Column(words("table.photo"), 128), Column(words("people.original"), 56, most=1),
        Column(words("people.final"), 60, most=1), Column(words("table.decision"), 58),
        Column(words("table.person"), 44), Column(words("table.reason"), SPAN - 444),
    ]  # fmt: skip
    Table(paper, columns).rows(_said(report, words))


def _said(report: InspectionReport, words: Words) -> Iterator[list[Cell | str]]:
    for row in report.rows:
        for said in row.dispositions:
            verdict = "RETAKE" if said.decision == "retake" else said.verdict or row.inspection.verdict
            yield [
                words.count(row.number), _time(said.decided_at, report, words), row.inspection.name,
                _verdict(row.inspection.verdict, words), _verdict(verdict, words),
                words(f"decision.{said.decision}"), said.operator, clipped(said.reason or said.note, _MOST_TEXT),
            ]  # fmt: skip


def _refused(paper: Paper, report: InspectionReport) -> None:
    words = paper.words
    parts.heading(paper, words("refused.section"))
    if report.heading.filters.lot or not report.refused:
        key = "refused.filtered" if report.heading.filters.lot else "refused.empty"
        parts.paragraph(paper, words(key), "soft")
        return
    columns = [
        Column(words("table.row"), 32, right=True), Column(words("table.time"), 70, most=1),
        Column(words("table.name"), 190), Column(words("table.reason"), SPAN - 292, most=3),
    ]  # fmt: skip
    Table(paper, columns).rows(
        [words.count(r.number), _time(r.refused.refused_at, report, words), r.refused.name,
         clipped(r.refused.reason, _MOST_TEXT)]
        for r in report.refused
    )  # fmt: skip


def _photos(paper: Paper, report: InspectionReport) -> None:
    words, verdict = paper.words, report.heading.filters.verdict
    section = words("table.section_filtered", verdict=words(f"verdict.{verdict}")) if verdict else None
    parts.heading(paper, section or words("table.section"))
    if not report.rows:
        parts.paragraph(paper, words("table.empty"), "soft")
        return
    columns = [
        Column(words("table.row"), 32, right=True), Column(words("table.time"), 66, most=1),
        Column(words("table.photo"), 122), Column(words("table.part"), 44), Column(words("table.lot"), 38),
        Column(words("table.serial"), 56), Column(words("table.final"), 54, most=1),
        Column(words("table.defects"), SPAN - 412, most=3),
    ]  # fmt: skip
    Table(paper, columns, 6.8, 5).rows(_row(row, report, words) for row in report.rows)


def _row(row: Row, report: InspectionReport, words: Words) -> list[Cell | str]:
    found = row.inspection
    defects = ", ".join(f"{d} ({place})" if place else d for d, place in row.defects)
    return [
        words.count(row.number), _time(found.inspected_at, report, words), found.name, found.part, found.lot,
        found.serial, _verdict(row.final, words), clipped(defects, _MOST_TEXT),
    ]  # fmt: skip


def _time(text: str, report: InspectionReport, words: Words) -> str:
    time = moment(text, report.zone)
    return words.short(time) if time else text


def _verdict(verdict: str, words: Words) -> Cell:
    assert verdict in FINALS
    return Cell(words(f"verdict.{verdict}"), parts.TONES[verdict], True, verdict, parts.TONES[verdict])
