"""`realign-edge maintain`: the nightly upkeep, backups, and the way back."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from realign_edge.cli.options import Json, Quiet, hush_libraries, print_json, progress_for, say

if TYPE_CHECKING:
    from realign_edge.appliance.upkeep.backup import Backup
    from realign_edge.appliance.upkeep.model import Outcome

app = typer.Typer(help="The upkeep of this machine.", no_args_is_help=True)
# A sign and a word each, so that colour is not needed.
_SIGNS = {"done": "✓", "attention": "!", "failed": "✗", "skipped": "·"}


@app.command()
def run(
    only: Annotated[
        list[str] | None, typer.Option(help="One duty: integrity, backup, index, drift, retention, disk; repeatable.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check catalog and results, back them up, take new photos into the index, look for drift, remove what is old.

    A duty that fails does not keep the others from being done. Exit code 1: one failed; 4: one found something that a
    person should look at.

    Example:  realign-edge maintain run
    """
    import importlib.util

    from realign_edge.appliance.load import appliance
    from realign_edge.appliance.upkeep.duties import DUTIES
    from realign_edge.appliance.upkeep.model import Shift
    from realign_edge.appliance.upkeep.round import go_round
    from realign_edge.errors import ExitCode, UsageError
    from realign_edge.home import home
    from realign_edge.runs.signals import stop_on_signals

    unknown = [name for name in only or () if name not in DUTIES]
    if unknown:
        raise UsageError(f"unknown duty `{unknown[0]}`", f"duties: {', '.join(DUTIES)}")
    if importlib.util.find_spec("transformers") is not None and (not only or "index" in only):
        hush_libraries()
    with stop_on_signals() as stopping:
        shift = Shift(home(), appliance(), time.time(), progress_for(quiet or as_json), stopping)
        outcomes = go_round(shift, lambda o: None if as_json else _tell(o, quiet), only or ())
    if as_json:
        print_json({"outcomes": [asdict(o) for o in outcomes]})
    states = {o.state for o in outcomes}
    if "failed" in states:
        raise typer.Exit(int(ExitCode.FAILED))
    if "attention" in states:
        raise typer.Exit(int(ExitCode.GATE))


@app.command()
def backups(as_json: Json = False, quiet: Quiet = False) -> None:
    """List the backups, oldest first.

    Example:  realign-edge maintain backups
    """
    found = _known()
    if as_json:
        rows = [{"backup": b.folder.name, "folder": str(b.folder), "made_at": b.made_at, "rows": b.rows} for b in found]
        print_json({"backups": rows})
        return
    for backup in found:
        typer.echo(f"{backup.folder.name}  {backup.rows:>8} verdicts  {backup.folder}")
    if not found:
        say("no backups yet; `realign-edge maintain run --only backup` makes one", quiet)


@app.command()
def restore(
    backup: Annotated[str, typer.Argument(help="Name of a backup, its folder, or `latest`.")] = "latest",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put a backup of catalog, results and trusted keys in the place of what is here.

    The backup is checked first. What is here is kept beside, in a folder that is named. The configuration and the
    signing key stay as they are.

    Example:  realign-edge maintain restore latest
    """
    import sys

    from realign_edge.appliance.upkeep.restore import restore as put_back
    from realign_edge.errors import UsageError
    from realign_edge.home import home

    chosen = _find(backup)
    what = f"the backup of {chosen.made_at} ({chosen.rows} verdicts) in the place of what is in {home()}"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"this would put {what}", "say so with --yes")
        if not typer.confirm(f"Put {what}?", err=True):
            raise typer.Exit
    aside = put_back(home(), chosen, time.time())
    if as_json:
        print_json({"restored": chosen.folder.name, "rows": chosen.rows, "before": str(aside)})
    say(f"{chosen.folder.name} is in place, {chosen.rows} verdicts; what was here is in {aside}", quiet)


def _known() -> "list[Backup]":
    from realign_edge.appliance.load import appliance
    from realign_edge.appliance.upkeep.backup import known_backups
    from realign_edge.appliance.upkeep.model import backups_folder
    from realign_edge.home import home

    return known_backups(backups_folder(home(), appliance()))


def _find(name: str) -> "Backup":
    from realign_edge.appliance.upkeep.backup import known_backups
    from realign_edge.errors import MissingError

    known = _known()
    if name == "latest" and known:
        return known[-1]
    beside = known_backups(Path(name).resolve().parent) if Path(name).is_dir() else []
    for backup in [*known, *beside]:
        if name == backup.folder.name or Path(name).resolve() == backup.folder:
            return backup
    shown = ", ".join(b.folder.name for b in known[-5:]) or "there are none yet"
    raise MissingError(f"no backup `{name}`", f"known backups: {shown}; or name the folder of one")


def _tell(outcome: "Outcome", quiet: bool) -> None:
    from realign_edge.photos.text import clean

    if quiet and outcome.state in ("done", "skipped"):
        return
    typer.echo(f"{_SIGNS[outcome.state]} {outcome.duty}: {clean(outcome.fact)}")
    if outcome.fix:
        typer.echo(f"  → {clean(outcome.fix)}")
