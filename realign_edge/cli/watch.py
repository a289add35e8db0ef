"""`realign-edge watch`: the dashboard on any run, or the same as lines."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from realign_edge.cli.options import Json, Quiet, print_json, say
from realign_edge.cli.window import Images, Lang, Plain, Theme, has_windows, is_terminal, look_of, open_dashboard

if TYPE_CHECKING:
    from realign_edge.language import Language
    from realign_edge.runs.run import Run

_LOOK_S = 1.0
_GOING_ON = ("running", "paused", "unknown")


def watch(
    run: Annotated[str, typer.Argument(help="Run, the start of its name, or `latest`.")] = "latest",
    plain: Plain = False,
    lang: Lang = None,
    theme: Theme = None,
    image_mode: Images = None,
    speed: Annotated[float | None, typer.Option(help="Play the run again, so many times as fast as it was.")] = None,
    every: Annotated[float, typer.Option(min=1, help="With --plain: seconds between two summaries.")] = 30.0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look at a run, live or finished: is all well, how long still, what became better.

    Leaving does not stop the run. Without a terminal, on a dumb one, or with --plain the same is said in lines,
    one for each thing that happens; --json prints what is known now as one object.

    Example:  realign-edge watch

    Example:  realign-edge watch latest --speed 60
    """
    from realign_edge.home import home
    from realign_edge.monitoring.look import looking
    from realign_edge.monitoring.objects import as_object
    from realign_edge.runs.run import find_live

    look = look_of(lang, theme, image_mode)
    found = find_live(home() / "runs", run)
    if as_json:
        print_json(as_object(looking(found, speed).look(time.time()), look.language))
        return
    if plain or quiet or not is_terminal() or not has_windows():
        _follow(found, look.language, speed, every)
        return
    began_alive = found.alive
    open_dashboard(home(), found.run_id, look, speed)
    after_leaving(found, began_alive, quiet)


def _follow(run: "Run", language: "Language", speed: float | None, every_s: float) -> None:
    """Lines on stdout until the run ends, or the replay does."""
    from realign_edge.monitoring.look import looking
    from realign_edge.monitoring.plain import PlainLines

    shown, lines = looking(run, speed), PlainLines(language, every_s)
    while True:
        view = shown.look(time.time())
        last = view.replayed if speed is not None else view.state not in _GOING_ON
        for line in lines.lines(view, last):
            print(line, flush=True)
        if last:
            return
        time.sleep(_LOOK_S)


def after_leaving(run: "Run", began_alive: bool, quiet: bool = False) -> None:
    """What is said when a window has been left: that the run goes on, or how it ended meanwhile."""
    if run.alive:
        say_goes_on(run, quiet)
    elif began_alive:
        from realign_edge.cli.run_summary import print_ended

        print_ended(run)


def say_goes_on(run: "Run", quiet: bool = False) -> None:
    """Two lines, on stderr."""
    say(f"run {run.run_id} goes on by itself; this terminal can be closed", quiet)
    say(f"look at it again with: realign-edge watch {run.run_id}", quiet)
