"""`realign-edge runs blind-test`: people choose between a run's answers before and after.

It stands among `runs`, since it needs nothing but the run's folder and its photos: no model is loaded.
"""

from typing import Annotated

import typer

from realign_edge.cli.options import Json, print_json
from realign_edge.cli.runs import Name
from realign_edge.cli.window import (
    AskedInLines,
    Images,
    Lang,
    Theme,
    look_of,
    named_person,
    open_room,
    window_wanted,
)


def blind_test(
    run: Name = "latest",
    person: Annotated[str | None, typer.Option(help="Who chooses [default: your user name].")] = None,
    result: Annotated[bool, typer.Option("--result", help="Tell what people chose so far; ask nothing.")] = False,
    lang: Lang = None,
    plain: AskedInLines = False,
    theme: Theme = None,
    image_mode: Images = None,
    as_json: Json = False,
) -> None:
    """Choose the better of two answers to held-out photos, before and after, without knowing which is which.

    Order and sides are drawn from your name; every key is stored at once, and the same command goes on where you left.
    Several people can take part. The result, with its interval, stands in the run's report. --json is as --result, as
    one object.

    Example:  realign-edge runs blind-test

    Example:  realign-edge runs blind-test latest --person Mori
    """
    from realign_edge.evaluation.preference.session import BlindSession
    from realign_edge.home import home
    from realign_edge.runs.run import find_run
    from tui.words import words_in

    look, name = look_of(lang, theme, image_mode), named_person(person, "--person")
    session = BlindSession(find_run(home() / "runs", run), name)
    if as_json:
        print_json({"run": session.run.run_id, **session.result().to_json()})
        return
    words = words_in(look.language)
    if result:
        from tui.blind.telling import result_lines

        for line in result_lines(words, session.result(), session.run.run_id):
            typer.echo(line)
    elif window_wanted(plain, "add --plain to be asked line by line, or --result to see what was chosen"):
        open_room(home(), "blind", look, name, run=session.run.run_id)
    else:
        from tui.blind.plain import blind_plain
        from tui.frame.lines import ask_line

        blind_plain(session, words, ask_line, typer.echo)
