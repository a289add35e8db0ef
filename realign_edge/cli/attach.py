"""`align` as a process of its own: begun, and looked at through the dashboard until that is left."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from realign_edge.cli.options import print_json, say
from realign_edge.cli.window import Look, open_dashboard

if TYPE_CHECKING:
    from realign_edge.runs.detach import Detached

# Between the last word of a run and the end of its process.
_ENDING_S = 20.0


def begin(photos: Path, options: dict[str, Any], quiet: bool) -> "Detached":
    """The same command as a process of its own, once it has its run."""
    from realign_edge.home import home
    from realign_edge.runs.detach import detach

    say("waiting until the run has begun ...", quiet)
    words = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return detach(home(), ["align", *words, "--", str(photos)], say=lambda line: say(line, quiet))


def attach(begun: "Detached", look: Look) -> None:
    """The dashboard, until it is left; then the run goes on, or how it ended is said as the run itself would."""
    from realign_edge.cli.watch import after_leaving
    from realign_edge.home import home

    try:
        open_dashboard(home(), begun.run.run_id, look)
    finally:
        after_leaving(begun.run, began_alive=True)
    if begun.run.alive:
        return
    code = begun.code(_ENDING_S)
    status = begun.run.status
    if status.get("error"):
        say(f"error: {status['error']}")
        say(f"hint: {status.get('hint') or begun.log}")
    if code:
        raise typer.Exit(code if code > 0 else 128 - code)


def print_detached(begun: "Detached", as_json: bool) -> None:
    """What has begun, and how to look at it and to stop it; on stdout."""
    if as_json:
        about = {"run": begun.run.run_id, "pid": begun.pid, "log": str(begun.log), "folder": str(begun.run.folder)}
        print_json(about)
        return
    name = begun.run.run_id
    state = "goes on by itself; this terminal can be closed" if begun.run.alive else "has ended already"
    typer.echo(f"run {name} {state}")
    typer.echo(f"  look at it   realign-edge watch {name}")
    typer.echo(f"  stop it      realign-edge runs stop {name}")
    typer.echo(f"  its log      {begun.log}")
