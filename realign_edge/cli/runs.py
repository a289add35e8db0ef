"""`realign-edge runs`: what has been run, and asking a live run to stop or pause."""

from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, print_json

app = typer.Typer(help="Runs.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Run, the start of its name, or `latest`.")]


@app.command("list")
def list_all(as_json: Json = False) -> None:
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
        typer.echo(f"{row['run']}  {row['state']:<9} {row['model']:<10} {row['photos']}")
    if not rows:
        typer.echo("no runs yet; start one with: realign-edge align PHOTOS", err=True)


@app.command()
def show(run: Name = "latest", as_json: Json = False) -> None:
    """Show one run: what it was made from, how far it is, what it found.

    Example:  realign-edge runs show latest
    """
    found = _find(run)
    value = {**_row(found), "about": found.about, "status": found.status, "stages": found.stages}
    if as_json:
        print_json(value)
        return
    for key in ("run", "state", "model", "photos", "folder"):
        typer.echo(f"{key:<8} {value[key]}")
    decision = found.stages.get("evaluate", {}).get("outputs", {}).get("decision")
    if decision:
        typer.echo(f"{'result':<8} {decision['sentence']}")


@app.command()
def stop(run: Name = "latest") -> None:
    """Ask a live run to stop after its current step; `align` goes on from there.

    Example:  realign-edge runs stop
    """
    _request(run, "stop")


@app.command()
def pause(run: Name = "latest") -> None:
    """Ask a live run to pause after its current step.

    Example:  realign-edge runs pause
    """
    _request(run, "pause")


@app.command()
def resume(run: Name = "latest") -> None:
    """Let a paused run go on.

    Example:  realign-edge runs resume
    """
    found = _find(run)
    found.clear("pause")
    typer.echo(f"{found.run_id} goes on", err=True)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=0, help="How many of the newest runs stay.")] = 5,
    as_json: Json = False,
) -> None:
    """Delete old runs with their checkpoints and adapters.

    Example:  realign-edge runs prune --keep 3
    """
    from realign_edge.home import home
    from realign_edge.runs.run import list_runs, remove_run

    runs = list_runs(home() / "runs")
    gone = [r for r in runs[: max(0, len(runs) - keep)] if r.status.get("state") != "running"]
    for run in gone:
        remove_run(run)
    if as_json:
        print_json({"removed": [r.run_id for r in gone]})
    else:
        typer.echo(f"{len(gone)} runs removed, {len(runs) - len(gone)} kept")


def _find(name: str) -> Any:
    from realign_edge.home import home
    from realign_edge.runs.run import find_run

    return find_run(home() / "runs", name)


def _row(run: Any) -> dict[str, Any]:
    about = run.about
    return {
        "run": run.run_id,
        "state": run.status.get("state", "unknown"),
        "model": about.get("model", ""),
        "photos": about.get("photos", ""),
        "folder": str(run.folder),
    }


def _request(name: str, what: str) -> None:
    found = _find(name)
    if found.status.get("state") not in ("running", "paused"):
        typer.echo(f"{found.run_id} is not running ({found.status.get('state', 'unknown')})", err=True)
        return
    found.request(what)
    typer.echo(f"asked {found.run_id} to {what} after its current step", err=True)
