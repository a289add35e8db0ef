"""`realign-edge runs`: what has been run, asking a live run to stop or pause, and making room."""

import sys
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet, print_json, say

app = typer.Typer(help="What has been run, and what is running.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Run, the start of its name, or `latest`.")]


@app.command("list")
def list_all(as_json: Json = False, quiet: Quiet = False) -> None:
    """List runs, oldest first.

    Example:  realign-edge runs list
    """
    from realign_edge.home import home
    from realign_edge.runs.run import list_runs

    rows = [_row(run) for run in list_runs(home() / "runs")]
    if as_json:
        print_json({"runs": rows})
        return
    for row in rows:
        typer.echo(f"{row['run']}  {row['state']:<11}  {row['model']:<10}  {row['photos']}")
        if row["state"] == "failed":
            typer.echo(f"{'':<{len(row['run'])}}  {row['error']}")
    if not rows:
        say("no runs yet; start one with: realign-edge align PHOTOS", quiet)


@app.command()
def show(run: Name = "latest", as_json: Json = False, quiet: Quiet = False) -> None:  # noqa: ARG001
    """Show one run: what it was made from, how far it is, what it found.

    Example:  realign-edge runs show latest
    """
    from realign_edge.runs.figures import look_at

    found = _find(run)
    seen = look_at(found)
    if as_json:
        print_json({**_row(found), **seen.to_json(), "about": found.about, "stages": found.stages})
        return
    from realign_edge.cli.run_view import print_run

    print_run(found, seen)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="Run, the start of its name, or `latest`.")],
    second: Annotated[str, typer.Argument(help="The run that is held against it.")],
    as_json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001
) -> None:
    """Compare two runs: settings that differ, figures with their intervals, and what can be said about them.

    Example:  realign-edge runs compare 20260401-090000-1f2e latest
    """
    from dataclasses import asdict

    from realign_edge.runs.compare import compare_runs

    found = compare_runs(_find(first), _find(second))
    if as_json:
        print_json(asdict(found))
        return
    from realign_edge.cli.compare_view import print_comparison

    print_comparison(found)


@app.command()
def stop(run: Name = "latest", as_json: Json = False, quiet: Quiet = False) -> None:
    """Ask a live run to stop; `align` goes on from there.

    It writes a checkpoint after its current step, and ends.

    Example:  realign-edge runs stop
    """
    _request(run, "stop", as_json, quiet)


@app.command()
def pause(run: Name = "latest", as_json: Json = False, quiet: Quiet = False) -> None:
    """Ask a live run to pause.

    It pauses after its current step, and keeps its memory and the lock until `runs resume`.

    Example:  realign-edge runs pause
    """
    _request(run, "pause", as_json, quiet)


@app.command()
def resume(run: Name = "latest", as_json: Json = False, quiet: Quiet = False) -> None:
    """Let a paused run go on.

    Example:  realign-edge runs resume
    """
    found = _find_live(run)
    found.clear("pause")
    if as_json:
        print_json({"run": found.run_id, "asked": "resume"})
    say(f"{found.run_id} goes on", quiet)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=0, help="How many of the newest runs stay.")] = 5,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Delete old runs with their checkpoints, adapters and what people chose in blind tests.

    A run that is going on is never deleted. A backup (`maintain run --only backup`) keeps what people chose.

    Example:  realign-edge runs prune --keep 3 --yes
    """
    from realign_edge.carry.sizes import gib
    from realign_edge.evaluation.preference.choices import choices_words, count_choices
    from realign_edge.home import home
    from realign_edge.runs.prune import all_but, removal, remove
    from realign_edge.runs.run import list_runs

    runs = list_runs(home() / "runs")
    planned = removal(all_but(runs, keep))
    choices = {r.run_id: count_choices(r.folder) for r in planned.gone}
    if planned.gone and not yes:
        _ask(list(choices), gib(planned.size), choices_words(sum(choices.values())))
    done = remove(planned)
    kept, lost = len(runs) - len(done.gone), sum(choices[r.run_id] for r in done.gone)
    if as_json:
        about = {"kept": kept, "freed_bytes": done.size, "choices_removed": lost}
        print_json({"removed": [r.run_id for r in done.gone], **about})
    more = f", {choices_words(lost)}" if lost else ""
    say(f"{len(done.gone)} runs removed ({gib(done.size)}){more}; {kept} kept", quiet)


def _ask(names: list[str], size: str, choices: str) -> None:
    from realign_edge.errors import UsageError

    told, keep = ", ".join(names), "; `realign-edge maintain run --only backup` keeps the choices" if choices else ""
    size = f"{size}, {choices}" if choices else size
    if not sys.stdin.isatty():
        raise UsageError(f"this would delete {len(names)} runs ({size}): {told}", f"say so with --yes{keep}")
    if not typer.confirm(f"Delete {told} with their adapters ({size})?", err=True):
        raise typer.Exit


def _find(name: str) -> Any:
    from realign_edge.home import home
    from realign_edge.runs.run import find_run

    return find_run(home() / "runs", name)


def _row(run: Any) -> dict[str, Any]:
    about = run.about
    return {
        "run": run.run_id,
        "state": run.state,
        "model": about.get("model", ""),
        "photos": about.get("photos", ""),
        "folder": str(run.folder),
        "error": run.status.get("error", ""),
    }


def _find_live(name: str) -> Any:
    from realign_edge.errors import RealignError
    from realign_edge.home import home
    from realign_edge.runs.run import find_live

    run = find_live(home() / "runs", name)
    if not run.alive:
        raise RealignError(
            f"{run.run_id} is not going on ({run.state})",
            f"take it up again with: realign-edge align {run.about.get('photos') or 'PHOTOS'}",
        )
    return run


def _request(name: str, what: str, as_json: bool, quiet: bool) -> None:
    found = _find_live(name)
    found.request(what)
    if as_json:
        print_json({"run": found.run_id, "asked": what})
    say(f"asked {found.run_id} to {what} after its current step", quiet)
