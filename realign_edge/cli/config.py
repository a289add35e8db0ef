"""`realign-edge config`: what holds on this machine, and where it is written."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet, print_json, say

app = typer.Typer(help="The appliance's configuration file.", no_args_is_help=True)
File = Annotated[Path | None, typer.Argument(help="A file, instead of this machine's.")]
Run = Annotated[Path | None, typer.Option("--config", help="The file of a run, as for `align`: what would hold then.")]


@app.command()
def show(
    file: File = None,
    run: Run = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only what differs from the defaults.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show every effective value and its source: the default, a preset, or the file that says it.

    The file is /etc/realign-edge/realign-edge.toml, or what $REALIGN_EDGE_CONFIG names. `align --config FILE` beats
    its [align], and options beat both.

    Example:  realign-edge config show --changed
    Example:  realign-edge config show --config ./run.toml
    """
    from realign_edge.appliance.load import defaults, effective
    from realign_edge.appliance.where import config_file, config_source
    from realign_edge.home import home, home_source

    found = file or config_file()
    usual = defaults()
    settings = [s for s in effective(file, run) if not changed or s.value != usual[s.key]]
    named = "command line" if file else config_source()
    if as_json:
        rows = [{**dataclasses.asdict(s), "value": _plain(s.value)} for s in settings]
        places = {"file_source": named, "state": str(home()), "state_source": home_source()}
        print_json({"file": str(found) if found else None, **places, "settings": rows})
        return
    say(f"state: {home()} ({home_source()})", quiet)
    say(f"file: {found} ({named})" if found else "file: none, so the defaults hold", quiet)
    width = max((len(s.key) for s in settings), default=0)
    for setting in settings:
        source = "" if setting.source == "default" else f"   # {_short(setting.source, found, run)}"
        typer.echo(f"{setting.key:<{width}} = {_written(setting.value)}{source}")


@app.command()
def check(file: File = None, run: Run = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Say whether the file can be used: every problem at once, with key and "did you mean".

    With --config the file of a run, too, on top of this machine's. Exit code 2: there are problems; nothing is changed.

    Example:  realign-edge config check ./realign-edge.toml
    Example:  realign-edge config check --config ./run.toml
    """
    from realign_edge.appliance.load import effective, written_values
    from realign_edge.appliance.where import config_file
    from realign_edge.config.load import read_toml
    from realign_edge.errors import MissingError, UsageError

    found = file or config_file()
    if found is None and run is None:
        raise MissingError("there is no configuration file", "name one, or make /etc/realign-edge/realign-edge.toml")
    try:
        values = written_values(found) if run is None else read_toml(run)
        list(effective(file, run))
    except UsageError as problem:
        if as_json:
            print_json({"file": str(run or found), "valid": False, "problems": problem.message.splitlines()})
            raise typer.Exit(int(problem.exit_code)) from None
        raise
    if as_json:
        print_json({"file": str(run or found), "valid": True, "settings": _count(values)})
    else:
        say(f"{run or found} can be used; it sets {_count(values)} values", quiet)


def _count(values: Any) -> int:
    return sum(map(_count, values.values())) if isinstance(values, dict) else 1


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _written(value: Any) -> str:
    from realign_edge.config.load import written

    return "(not set)" if value is None else written(value)


def _short(source: str, found: Path | None, run: Path | None) -> str:
    if run is not None and source == str(run):
        return "run"
    return "file" if found is not None and source == str(found) else source
