"""`realign-edge results review`: people look at the verdicts and decide."""

from pathlib import Path
from typing import Annotated

import typer

from realign_edge.cli.options import Json, Quiet, print_json, say
from realign_edge.cli.window import (
    AskedInLines,
    Decides,
    Images,
    Lang,
    Look,
    Theme,
    look_of,
    named_person,
    open_room,
    window_wanted,
)


def review(
    where: Annotated[
        Path | None, typer.Option("--results", help="A results file or a backup, instead of this station's.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Folder where the photos lie now [default: the watched one].")
    ] = None,
    operator: Decides = None,
    lang: Lang = None,
    plain: AskedInLines = False,
    theme: Theme = None,
    image_mode: Images = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look through the verdicts and decide: what waits for a person first, the photo with its evidence.

    Each decision is a row of its own as soon as its key is pressed, and a later one counts. --json says what waits,
    and asks nothing.

    Example:  realign-edge results review

    Example:  realign-edge results review --photos ./incoming/done --operator Ito --plain
    """
    from realign_edge.home import home

    look = look_of(lang, theme, image_mode)
    if as_json:
        _print_waiting(where or home())
        return
    person = named_person(operator, "--operator")
    if window_wanted(plain, "add --plain to be asked line by line, or --json to see what waits"):
        open_room(home(), "inspections", look, person, photos=photos, results=where)
        return
    left = _ask(home(), look, person, where, photos)
    say(f"{left} still wait for a person" if left else "nothing waits for a person", quiet)


def _ask(home: Path, look: Look, person: str, where: Path | None, photos: Path | None) -> int:
    """Line by line; how many still wait at the end."""
    from tui.context import Context
    from tui.inspections.plain import inspections_plain

    context = Context(home, photos=photos, results=where, options=look.options(person))
    return inspections_plain(context, write=typer.echo)


def _print_waiting(path: Path) -> None:
    from realign_edge.cli.results_view import plain
    from realign_edge.results.query import Query
    from realign_edge.results.store import Results

    with Results.read(path) as results:
        waiting = [plain(entry, ()) for entry in results.entries(query=Query(review=True))]
        head = results.head()
    print_json({"rows": waiting, "head": {"rows": head.entries, "hash": head.hash}})
