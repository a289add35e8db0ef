"""`realign-edge config`: what holds on this machine, and where it is written."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet, print_json, say

app = typer.Typer(help="The appliance's configuration file.", no_args_is_help=True)
File = Annotated[Path | None, typer.Argument(help="A file, instead of this machine's.")]


@app.command()
def show(
    file: File = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only what differs from the defaults.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show every effective value and its source: the default, a preset, or the file that says it.

    The file is /etc/realign-edge/realign-edge.toml, or what $REALIGN_EDGE_CONFIG names. `align --config FILE` beats
    its [align], and options beat both.

    Example:  realign-edge config show --changed
    """
    from realign_edge.appliance.load import defaults, effective
    from realign_edge.appliance.where import config_file

    found = file or config_file()
    usual = defaults()
    settings = [s for s in effective(file) if not changed or s.value != usual[s.key]]
    if as_json:
        rows = [{**dataclasses.asdict(s), "value": _plain(s.value)} for s in settings]
        print_json({"file": str(found) if found else None, "settings": rows})
        return
    say(f"file: {found}" if found else "file: none, so the defaults hold", quiet)
    width = max((len(s.key) for s in settings), default=0)
    for setting in settings:
        source = "" if setting.source == "default" else f"   # {_short(setting.source, found)}"
        typer.echo(f"{setting.key:<{width}} = {_written(setting.value)}{source}")


@app.command()
def check(file: File = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Say whether the file can be used: every problem at once, with key and "did you mean".

    Exit code 2: it has problems; nothing is changed.

    Example:  realign-edge config check ./realign-edge.toml
    """
    from realign_edge.appliance.load import written_values
    from realign_edge.appliance.where import config_file
    from realign_edge.errors import MissingError, UsageError

    found = file or config_file()
    if found is None:
        raise MissingError("there is no configuration file", "name one, or make /etc/realign-edge/realign-edge.toml")
    try:
        count = _count(written_values(found))
    except UsageError as problem:
        if as_json:
            print_json({"file": str(found), "valid": False, "problems": problem.message.splitlines()})
            raise typer.Exit(int(problem.exit_code)) from None
        raise
    if as_json:
        print_json({"file": str(found), "valid": True, "settings": count})
    else:
        say(f"{found} can be used; it sets {count} values", quiet)


def _count(values: Any) -> int:
    return sum(map(_count, values.values())) if isinstance(values, dict) else 1


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _written(value: Any) -> str:
    from realign_edge.config.load import written

    return "(not set)" if value is None else written(value)


def _short(source: str, found: Path | None) -> str:
    return "file" if found is not None and source == str(found) else source
