"""The figures on page 1: the yield, verdicts before and after people's decisions, what is still open."""

from realign_edge.reports.model import FINALS, InspectionReport
from realign_edge.reports.pdf import parts
from realign_edge.reports.pdf.paper import LEFT, RIGHT, SPAN, Paper
from realign_edge.reports.pdf.plot import mark
from realign_edge.reports.rows import headline, notes

# Right edges of the columns: station, final, share, interval.
_EDGES = (296.0, 340.0, 386.0, 448.0)
_TABLE = 188.0


def summary(paper: Paper, report: InspectionReport) -> None:
    """All of it, and the notes that one needs to read it."""
    words = paper.words
    paper.rule(paper.y + 4)
    paper.y += 14
    paper.text(LEFT, paper.y + 10, words("summary.section"), 11.5, bold=True)
    paper.text(RIGHT, paper.y + 10, headline(report, words), 8.5, anchor="end")
    top = paper.y + 22
    _yield(paper, report, top)
    bottom = _verdicts(paper, report, top)
    _tiles(paper, report, top)
    paper.y = bottom + 6
    for note in notes(report, words):
        paper.y = paper.block(LEFT, paper.y, SPAN, note, 6.8, "soft")


def _yield(paper: Paper, report: InspectionReport, top: float) -> None:
    words, found = paper.words, report.summary.passed
    paper.text(LEFT, top + 7, words("summary.yield"), 7, "soft")
    if not found.of:
        paper.text(LEFT, top + 36, "–", 28, bold=True)
        paper.block(LEFT, top + 44, _TABLE - LEFT - 16, words("summary.no_yield"), 7.5, "soft")
        return
    paper.text(LEFT, top + 36, words.percent(found.value), 28, bold=True)
    limits = words("summary.interval", low=words.percent(found.low), high=words.percent(found.high))
    y = paper.block(LEFT, top + 44, _TABLE - LEFT - 10, limits, 7.5)
    counted = words("summary.yield_of", count=words.count(found.count), of=words.count(found.of))
    paper.block(LEFT, y, _TABLE - LEFT - 10, counted, 7.5, "soft")


def _verdicts(paper: Paper, report: InspectionReport, top: float) -> float:
    """The table; the y below it."""
    words, found = paper.words, report.summary
    labels = (words("summary.station"), words("summary.final"), words("summary.share"), "95 %")
    paper.text(_TABLE, top + 7, words("summary.verdict"), 7, "soft")
    for label, edge in zip(labels, _EDGES, strict=True):
        paper.text(edge, top + 7, label, 7, "soft", anchor="end")
    y = top + 12
    paper.rule(y, "soft", _TABLE, _EDGES[-1])
    for verdict in FINALS:
        tone, station, final = parts.TONES[verdict], found.station[verdict], found.final[verdict]
        mark(paper, verdict, _TABLE, y + 3.2, 9, tone)
        paper.text(_TABLE + 13, y + 11, words(f"verdict.{verdict}"), 8.5, tone, True)
        count = "–" if verdict == "RETAKE" else words.count(station.count)
        texts = (count, words.count(final.count), words.percent(final.value), words.interval(final))
        for i, (text, edge) in enumerate(zip(texts, _EDGES, strict=True)):
            paper.text(edge, y + 11, text, 8.5 if i < 3 else 7.5, "soft" if i == 3 else "ink", i == 1, "end")
        y += 16
        paper.rule(y, "grid", _TABLE, _EDGES[-1])
    paper.text(_TABLE, y + 11, words("summary.photos"), 8.5, bold=True)
    for edge in _EDGES[:2]:
        paper.text(edge, y + 11, words.count(found.photos), 8.5, bold=True, anchor="end")
    return y + 16


def _tiles(paper: Paper, report: InspectionReport, top: float) -> None:
    words, found, x = paper.words, report.summary, _EDGES[-1] + 22
    tiles = [
        (words("summary.open"), words.count(found.final["REVIEW"].count), ""),
        (words("summary.refused"), words.count(found.refused), ""),
    ]
    if found.parts is not None:
        of = words("summary.parts_of", count=words.count(found.parts.count), of=words.count(found.parts.of))
        tiles.append((words("summary.parts"), words.percent(found.parts.value), of))
    for label, figure, below in tiles:
        paper.text(x, top + 7, label, 7, "soft")
        paper.text(x, top + 20, figure, 11.5, bold=True)
        paper.block(x, top + 21, RIGHT - x, below, 6.2, "soft", most=2)
        top += 28
