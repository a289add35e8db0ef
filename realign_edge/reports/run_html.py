"""The alignment report as one HTML file."""

from functools import partial

from markupsafe import Markup

from realign_edge.files import sha256_bytes
from realign_edge.photos.regular import Refusal, read_bytes
from realign_edge.reports import curves, run_rows
from realign_edge.reports.alignment_model import AlignmentReport
from realign_edge.reports.drawing import to_svg
from realign_edge.reports.html import render
from realign_edge.reports.language import Words
from realign_edge.reports.page_data import SCRIPT_WORDS, uris
from realign_edge.reports.pictures import Album, Find

# Longest edge of a photo in pixels, all photos in bytes, and the width of charts in points.
_EDGE, _BUDGET, _CHART, _WIDE = 320, 4_000_000, 340.0, 560.0
PAIR_KINDS = ("note", "where", "yes_no")


def alignment_html(report: AlignmentReport, words: Words) -> str:
    """The page."""
    album = Album(example_photos(report), _EDGE, _BUDGET)
    for example in report.pairs.examples:
        album.take(example.photo_sha256, "")
        album.take(example.neighbour_sha256, "")
    state, state_words, sentence = run_rows.verdict(report, words)
    charts = run_rows.charts(report, words, _CHART)
    figures = report.result.figures if report.result else ()
    return render(
        "alignment.html.j2",
        words,
        title=report.title or words("title.alignment"),
        number=report.number,
        data={"words": {s: words.strings[s] for s in SCRIPT_WORDS}, "photos": [], "pictures": uris(album.made)},
        report=report,
        facts=run_rows.head_facts(report, words),
        data_facts=run_rows.data_facts(report, words),
        state=state,
        state_words=state_words,
        sentence=sentence,
        kinds={kind: words(f"pairs.{kind}") for kind in PAIR_KINDS},
        without=run_rows.reasons(report.pairs.without, words),
        passed_over=run_rows.reasons(report.pairs.passed_over, words),
        training=run_rows.training_line(report, words),
        charts=[Markup(to_svg(c, f"curve-{i}")) for i, c in enumerate(charts)],
        before_after=Markup(to_svg(curves.before_after(figures, words, _WIDE), "before-after")),
        estimate=partial(run_rows.estimate, words=words),
        change=partial(run_rows.change, words=words),
        mcnemar=run_rows.mcnemar(report.result, words) if report.result else "",
        preference=run_rows.preference(report, words),
        changed_by_review=run_rows.changed(report, words),
        limits=run_rows.limits(report, words),
        reproduction=run_rows.reproduction(report, words),
    )


def example_photos(report: AlignmentReport) -> Find:
    """The photos of the examples, read from the photo folder where they still lie there."""
    paths = {}
    for e in report.pairs.examples:
        paths[e.photo_sha256] = e.photo_path
        if e.neighbour_path is not None:
            paths[e.neighbour_sha256] = e.neighbour_path

    def find(sha256: str, _bundle_id: str) -> bytes | None:
        try:
            data = read_bytes(paths[sha256]) if sha256 in paths else None
        except (Refusal, OSError):
            return None
        # Another photo may lie there by now.
        return data if data is not None and sha256_bytes(data) == sha256 else None

    return find
