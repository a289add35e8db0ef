"""The `realign-edge` command: registers the groups, and turns every failure into words and an exit code."""

import os
import sys
import traceback
from typing import NoReturn

import typer

from realign_edge import __version__
from realign_edge.cli import align, demo, index, pairs, runs
from realign_edge.errors import ExitCode, RealignError

app = typer.Typer(
    name="realign-edge",
    help="Repair a vision-language model with the photos a plant already has, on its own premises.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Start with:  realign-edge demo ./floor  and then  realign-edge align ./floor",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"realign-edge {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Repair a vision-language model with the photos a plant already has, on its own premises."""


app.command("demo")(demo.demo)
app.command("align")(align.align)
app.command("index")(index.index)
app.command("similar")(index.similar)
app.add_typer(pairs.app, name="pairs")
app.add_typer(runs.app, name="runs")


def main() -> NoReturn:
    """Entry point of the installed command; exit codes are those of `ExitCode`."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app(standalone_mode=True)
        code = int(ExitCode.DONE)
    except SystemExit as end:
        code = int(end.code) if isinstance(end.code, int) else int(end.code is not None)
    except RealignError as error:
        _say(f"error: {error.message}", f"hint: {error.hint}" if error.hint else "")
        code = int(error.exit_code)
    except KeyboardInterrupt:
        _say("stopped", "what was finished is kept; run the same command again to go on")
        code = int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        code = int(ExitCode.DONE)
    except Exception as error:
        code = _unexpected(error)
    sys.exit(code)


def _say(*lines: str) -> None:
    for line in lines:
        if line:
            print(line, file=sys.stderr)


def _unexpected(error: Exception) -> int:
    """A mistake of ours: keep the traceback for the engineer, tell the technician where it is."""
    if os.environ.get("REALIGN_EDGE_DEBUG"):
        traceback.print_exc()
        return int(ExitCode.FAILED)
    from realign_edge.home import home

    log = home() / "crash.log"
    with log.open("a", encoding="utf-8") as file:
        traceback.print_exc(file=file)
    _say(
        f"error: something went wrong inside realign-edge ({type(error).__name__}: {error})",
        f"hint: details are in {log}",
    )
    return int(ExitCode.FAILED)


if __name__ == "__main__":
    main()
