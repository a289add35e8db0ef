"""`realign-edge pairs review`: people look pairs over."""

from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, print_json, say
from realign_edge.cli.window import (
    AskedInLines,
    Decides,
    Images,
    Lang,
    Theme,
    look_of,
    named_person,
    open_room,
    window_wanted,
)


def review(
    photos: Annotated[Path, typer.Argument(help="Folder of photos whose pairs were built.")],
    reviewer: Decides = None,
    lang: Lang = None,
    plain: AskedInLines = False,
    theme: Theme = None,
    image_mode: Images = None,
    as_json: Json = False,
) -> None:
    """Look pairs over, the doubtful ones first: accept, swap, edit, discard, or "the wrong photo fits, too".

    Every key is stored at once; the next `align` or `pairs build` trains on what was decided. Two people can work at
    the same time: they are shown different pairs, and what they differ on is set aside until they agree. --json says
    how far it is and which pairs are next, and asks nothing.

    Example:  realign-edge pairs review ./photos

    Example:  realign-edge pairs review ./photos --reviewer Mori --plain
    """
    from realign_edge.home import home
    from realign_edge.preferences.review.session import ReviewSession
    from realign_edge.preferences.review.stock import open_stock

    look, person = look_of(lang, theme, image_mode), named_person(reviewer, "--reviewer")
    stock = open_stock(home() / "catalog.sqlite", photos)
    if as_json:
        print_json(_as_plain(ReviewSession(stock, person)))
        return
    if window_wanted(plain, "add --plain to be asked line by line, or --json to see how far it is"):
        open_room(home(), "review", look, person, photos=stock.root)
        return
    from tui.frame.lines import ask_line
    from tui.review.plain import review_plain
    from tui.words import words_in

    words = words_in(look.language)
    done = review_plain(ReviewSession(stock, person), words, ask_line, typer.echo)
    counts = {"pairs": done.pairs, "decided": done.decided, "own": done.own, "n": done.worth_left}
    say(words("review.left_words", **counts))


def _as_plain(session: Any) -> dict[str, Any]:
    """How far it is, what holds, and what comes next."""
    from dataclasses import asdict

    from realign_edge.preferences.review.doubts import WORTH

    rulings = session.rulings()
    return {
        "reviewer": session.reviewer,
        **asdict(session.standing()),
        "worth_from": WORTH,
        "next": [
            {"pair_id": i.pair.pair_id, "photo": i.photo.name, "kind": i.pair.kind, "why": i.why,
             "value": round(i.value, 4), "doubts": [{**asdict(d), "weight": d.weight} for d in i.doubts]}
            for i in session.upcoming(20)
        ],
        "decisions": [
            {"pair_id": r.pair_id, "held": r.held, "decisions": [asdict(d) for d in r.decisions]} for r in rulings
        ],
    }  # fmt: skip
