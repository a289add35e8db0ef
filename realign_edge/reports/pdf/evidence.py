"""One inspected photo with its evidence: the photo, what was said, the nearest past photos with their records."""

from realign_edge.reports.inspection import moment
from realign_edge.reports.model import Row
from realign_edge.reports.page_data import MOST_TEXT
from realign_edge.reports.pdf.paper import LEFT, RIGHT, Paper
from realign_edge.reports.pdf.parts import TONES
from realign_edge.reports.pdf.plot import mark
from realign_edge.reports.pictures import Album
from realign_edge.reports.tidy import clipped
from realign_edge.results.model import Disposition, Neighbour

HEIGHT = 118.0
_PHOTO, _PAST = (104.0, 104.0), (36.0, 36.0)
_X = LEFT + _PHOTO[0] + 14


def card(paper: Paper, row: Row, album: Album, past: Album) -> None:
    """At a fixed height, so that a page holds six of them. past: pictures of past photos, which are smaller."""
    paper.need(HEIGHT)
    top, found = paper.y, row.inspection
    _picture(paper, album.take(found.sha256, ""), LEFT, top + 2, *_PHOTO)
    tone = TONES[row.final]
    state = paper.words(f"verdict.{row.final}")
    if row.final != found.verdict:
        state += f" ({paper.words('table.was', verdict=paper.words(f'verdict.{found.verdict}'))})"
    room = paper.width(state, 8, True) + 14
    paper.text(_X, top + 9, paper.cut(found.name, RIGHT - _X - room - 8, 8.5, True), 8.5, bold=True)
    mark(paper, row.final, RIGHT - room, top + 1.5, 8.5, tone)
    paper.text(RIGHT, top + 9, state, 8, tone, True, "end")
    _words(paper, row, top + 13)
    _past(paper, row, past, top + 72)
    paper.y = top + HEIGHT
    paper.rule(paper.y - 6)


def _words(paper: Paper, row: Row, y: float) -> None:
    """Where it belongs, description, why, and what people said; what does not fit is in the other forms."""
    found, words = row.inspection, paper.words
    time = moment(found.inspected_at, paper.zone)
    place = [found.part, f"{words('table.lot')} {found.lot}" if found.lot else "", found.serial]
    about = " · ".join(filter(None, [*place, words.short(time) if time else found.inspected_at]))
    paper.text(_X, y + 7, paper.cut(about, RIGHT - _X, 7), 7, "soft")
    y = paper.block(_X, y + 9, RIGHT - _X, clipped(found.description, MOST_TEXT), 7.8, most=2) + 1
    why = " ".join(r.sentence for r in found.reasons)
    y = paper.block(_X, y, RIGHT - _X, clipped(why, MOST_TEXT), 7.2, "soft", most=1 if row.dispositions else 2)
    if row.decided is not None:
        paper.text(_X, y + 7.4, paper.cut(_said(paper, row.decided), RIGHT - _X, 7.2, True), 7.2, bold=True)


def _said(paper: Paper, said: Disposition) -> str:
    words, time = paper.words, moment(said.decided_at, paper.zone)
    when = words.short(time) if time else said.decided_at
    text = words("table.by", decision=words(f"decision.{said.decision}"), operator=said.operator or "–", time=when)
    return f"{text}: {said.reason or said.note}" if said.reason or said.note else text


def _past(paper: Paper, row: Row, album: Album, y: float) -> None:
    width = (RIGHT - _X) / 3
    for i, neighbour in enumerate(row.inspection.neighbours[:3]):
        x = _X + i * width
        _picture(paper, album.take(neighbour.sha256, row.inspection.bundle_id), x, y, *_PAST)
        near = paper.words("evidence.similarity", value=paper.words.number(neighbour.similarity, 3))
        left = x + _PAST[0] + 5
        paper.text(left, y + 5.5, near, 5.8, "soft")
        paper.block(left, y + 6.5, x + width - 8 - left, clipped(_record(neighbour), 160), 5.8, most=3)


def _record(neighbour: Neighbour) -> str:
    return neighbour.note or ", ".join(filter(None, (neighbour.part, *neighbour.defects))) or neighbour.name


def _picture(paper: Paper, data: bytes | None, x: float, y: float, w: float, h: float) -> None:
    if data is not None:
        paper.picture(data, x, y, w, h)
        return
    paper.frame(x, y, w, h)
    if w > 100:
        paper.text(x + w / 2, y + h / 2 + 2, paper.words("evidence.no_photo"), 7, "soft", anchor="middle")
