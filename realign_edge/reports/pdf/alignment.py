"""The alignment report on paper: page 1 holds the decision and its figures, and is what is signed."""

from realign_edge.reports import charts, curves, run_rows
from realign_edge.reports.alignment_model import AlignmentReport, Marked, PairExample
from realign_edge.reports.drawing import Tone
from realign_edge.reports.language import Words
from realign_edge.reports.pdf import parts
from realign_edge.reports.pdf.marked import marked_block
from realign_edge.reports.pdf.paper import BOTTOM, LEFT, RIGHT, SPAN, Paper, leading
from realign_edge.reports.pdf.plot import draw, mark
from realign_edge.reports.pdf.table import Cell, Column, Table
from realign_edge.reports.pictures import Album
from realign_edge.reports.run_html import PAIR_KINDS, example_photos
from realign_edge.reports.tidy import clipped

_EDGE, _BUDGET = 300, 4_000_000
_PHOTO = 92.0
_MARKS: dict[str, tuple[str, Tone]] = {"better": ("PASS", "pass"), "worse": ("FAIL", "fail")}
_DECISIONS: dict[str, tuple[str, Tone]] = {
    "yes": ("PASS", "pass"),
    "no": ("REVIEW", "review"),
    "none": ("RETAKE", "retake"),
}
# Refused files that are listed; the JSON form has them all.
_MOST_REFUSED, _MOST_TEXT = 200, 400


def alignment_pdf(report: AlignmentReport, words: Words) -> bytes:
    """The file."""
    paper = Paper(words, report.title or words("title.alignment"), report.number, report.made_at)
    kicker = " · ".join(filter(None, [words("heading.sheet", number=report.number), report.site]))
    parts.title(paper, kicker)
    parts.facts(paper, run_rows.head_facts(report, words))
    _decision(paper, report)
    _result(paper, report)
    if paper.y > BOTTOM - parts.SIGN_HEIGHT - 6:
        paper.new_page()
    parts.signatures(paper)
    paper.new_page()
    _preference(paper, report)
    _limits(paper, report)
    _data(paper, report)
    _training(paper, report)
    _pairs(paper, report)
    _answers(paper, report)
    _settings(paper, report)
    return parts.end(paper, " · ".join(filter(None, [paper.title, report.number, report.site])))


def _decision(paper: Paper, report: AlignmentReport) -> None:
    state, title, sentence = run_rows.verdict(report, paper.words)
    shape, tone = _DECISIONS[state]
    top = paper.y + 6
    mark(paper, shape, LEFT + 12, top + 10, 12, tone)
    paper.text(LEFT + 30, top + 20, title, 12, tone, True)
    y = paper.block(LEFT + 12, top + 27, SPAN - 24, sentence, 9, most=6) + 8
    paper.frame(LEFT, top, SPAN, y - top, "soft")
    paper.y = y


def _result(paper: Paper, report: AlignmentReport) -> None:
    words, result = paper.words, report.result
    if result is None:
        return
    paper.y += 12
    paper.text(LEFT, paper.y + 10, words("result.section"), 11.5, bold=True)
    paper.y = paper.block(LEFT, paper.y + 16, SPAN, words("result.intro", n=words.count(result.photos)), 7.5, "soft")
    paper.y = draw(paper, curves.before_after(result.figures, words, SPAN), LEFT, paper.y + 6) + 2
    change = f"{words('result.change')} ({words('result.points')})"
    columns = [
        Column(words("result.metric"), 150), Column(words("result.before"), 92, True),
        Column(words("result.after"), 92, True), Column(change, 92, True), Column("", SPAN - 426),
    ]  # fmt: skip
    Table(paper, columns, 7.4).rows(_figure_rows(report, words))
    note = run_rows.mcnemar(result, words)
    if note:
        paper.y = paper.block(LEFT, paper.y + 3, SPAN, note, 6.8, "soft")


def _figure_rows(report: AlignmentReport, words: Words) -> list[list[Cell | str]]:
    assert report.result is not None
    rows: list[list[Cell | str]] = []
    for f in report.result.figures:
        sign, tone = _MARKS.get(f.outcome, ("", "soft"))
        name = words(f"metric.{f.metric}") + (" ↓" if f.lower_is_better else "")
        outcome = Cell(words(f"result.{f.outcome}"), tone, bool(sign), sign, tone)
        change = run_rows.change(f.difference, words)
        rows.append([name, run_rows.estimate(f.before, words), run_rows.estimate(f.after, words), change, outcome])
    return rows


def _preference(paper: Paper, report: AlignmentReport) -> None:
    lines = run_rows.preference(report, paper.words)
    if not lines:
        return
    parts.heading(paper, paper.words("result.preference"))
    parts.paragraph(paper, paper.words("result.preference_intro"), "soft", 7.5)
    paper.y += 4
    parts.paragraph(paper, lines[0])
    for line in lines[1:]:
        paper.y += 2
        parts.paragraph(paper, line, "soft", 7.5)


def _limits(paper: Paper, report: AlignmentReport) -> None:
    parts.heading(paper, paper.words("limits.section"))
    for limit in run_rows.limits(report, paper.words):
        paper.need(leading(8.5))
        paper.text(LEFT + 2, paper.y + 8.5, "•", 8.5, "soft")
        parts.paragraph(paper, limit, x=LEFT + 12)
        paper.y += 2


def _data(paper: Paper, report: AlignmentReport) -> None:
    words, data = paper.words, report.data
    parts.heading(paper, words("data.section"))
    parts.facts(paper, run_rows.data_facts(report, words), 4)
    parts.paragraph(paper, words("data.gone" if data.train is None else "data.split_note"), "soft", 7.5)
    if data.refused:
        paper.y += 8
        columns = [Column(words("table.name"), 240), Column(words("table.reason"), SPAN - 240, most=3)]
        Table(paper, columns).rows([n, clipped(r, _MOST_TEXT)] for n, r in data.refused[:_MOST_REFUSED])


def _training(paper: Paper, report: AlignmentReport) -> None:
    parts.heading(paper, paper.words("training.section"), 190)
    parts.paragraph(paper, run_rows.training_line(report, paper.words), "soft")
    found = run_rows.charts(report, paper.words, charts.HALF)
    for i in range(0, len(found), 2):
        paper.y += 8
        paper.need(found[i].height)
        top = paper.y
        for chart, x in zip(found[i : i + 2], (LEFT, RIGHT - charts.HALF), strict=False):
            paper.y = max(paper.y, draw(paper, chart, x, top))


def _pairs(paper: Paper, report: AlignmentReport) -> None:
    words, pairs = paper.words, report.pairs
    parts.heading(paper, words("pairs.section"))
    parts.paragraph(paper, words("pairs.intro"), "soft", 8)
    paper.y += 4
    counts = [
        (words(f"pairs.{kind}") if kind in PAIR_KINDS else kind, words.count(n)) for kind, n in pairs.counts.items()
    ]
    parts.facts(paper, counts)
    without = (words("pairs.without"), run_rows.reasons(pairs.without, words))
    parts.facts(paper, [without, (words("pairs.passed_over"), run_rows.reasons(pairs.passed_over, words))], 2)
    if changed := run_rows.changed(report, words):
        parts.facts(paper, [(words("reviewed.section"), changed)], 2)
    if pairs.examples:
        paper.need(_PHOTO + 60)
        paper.text(LEFT, paper.y + 10, words("pairs.examples"), 9, bold=True)
        paper.text(RIGHT, paper.y + 10, words("pairs.differs"), 7.5, "soft", anchor="end")
        paper.y += 18
    album = Album(example_photos(report), _EDGE, _BUDGET)
    for example in pairs.examples:
        _example(paper, example, album)


def _example(paper: Paper, example: PairExample, album: Album) -> None:
    """Both photos, and the texts beside them; the height follows the texts, up to a few lines each."""
    words = paper.words
    paper.need(_PHOTO + 38)
    top, x, width = paper.y, LEFT + 2 * (_PHOTO + 10), SPAN - 2 * (_PHOTO + 10)
    near = words("pairs.similarity", value=f"{example.similarity:.3f}")
    shown = [(example.photo_sha256, words("pairs.photo"), example.photo, "")]
    if example.neighbour:
        shown.append((example.neighbour_sha256, words("pairs.neighbour"), example.neighbour, near))
    for i, (sha, label, name, more) in enumerate(shown):
        at = LEFT + i * (_PHOTO + 10)
        data = album.take(sha, "")
        if data is None:
            paper.frame(at, top, _PHOTO, _PHOTO)
        else:
            paper.picture(data, at, top, _PHOTO, _PHOTO)
        for line, text in enumerate((label, name, more)):
            paper.text(at, top + _PHOTO + 8 + 8 * line, paper.cut(text, _PHOTO, 6), 6, "soft")
    y = _labelled(paper, x, top, width, words("pairs.masked" if example.masked else "pairs.question"),
                  ((example.masked or example.prompt, False),))  # fmt: skip
    y = _labelled(paper, x, y, width, words("pairs.chosen"), example.chosen, "pass")
    y = _labelled(paper, x, y, width, words("pairs.rejected"), example.rejected, "fail")
    paper.y = max(y, top + _PHOTO + 29)
    paper.rule(paper.y - 2)
    paper.y += 6


def _labelled(paper: Paper, x: float, y: float, width: float, label: str, text: Marked, tone: str = "soft") -> float:
    paper.text(x, y + 6.5, label, 6.5, "soft")
    return marked_block(paper, x, y + 8, width, text, 8, tone, most=4) + 3


def _answers(paper: Paper, report: AlignmentReport) -> None:
    words = paper.words
    if report.result is None or not report.result.answers:
        return
    parts.heading(paper, words("result.answers"), 110)
    for answer in report.result.answers:
        paper.need(96)
        paper.text(LEFT, paper.y + 9, paper.cut(answer.photo, SPAN, 8.5, True), 8.5, bold=True)
        y = _labelled(paper, LEFT, paper.y + 13, SPAN, words("result.record"), ((answer.record, False),))
        y = _labelled(paper, LEFT, y, SPAN, words("result.before"), answer.before, "fail")
        paper.y = _labelled(paper, LEFT, y, SPAN, words("result.after"), answer.after, "pass") + 2
        paper.rule(paper.y)
        paper.y += 5


def _settings(paper: Paper, report: AlignmentReport) -> None:
    words = paper.words
    parts.heading(paper, words("settings.section_reproduce"))
    parts.facts(paper, run_rows.reproduction(report, words))
    parts.paragraph(paper, words("settings.note"), "soft", 7.5)
    parts.heading(paper, words("settings.section"))
    half = SPAN / 4
    columns = [Column(words("settings.setting"), half + 10), Column(words("settings.value"), half - 10)] * 2
    items = [(name, clipped(value, _MOST_TEXT)) for name, value in report.settings.items()]
    middle = (len(items) + 1) // 2
    right = [*items[middle:], ("", "")][:middle]
    Table(paper, columns, 6.8).rows([*a, *b] for a, b in zip(items[:middle], right, strict=False))
