"""The `realign-edge` command: registers the groups, and turns every failure into words and an exit code."""

import os
import sys
from typing import NoReturn

import typer

from realign_edge import __version__
from realign_edge.cli import (
    align,
    ask,
    blind,
    bundle,
    config,
    demo,
    doctor,
    drift,
    export,
    index,
    inspect,
    maintain,
    models,
    pairs,
    report,
    results,
    review,
    runs,
    watch,
)
from realign_edge.cli.guard import guard_streams
from realign_edge.cli.options import close_progress
from realign_edge.cli.stderr import forgive_stderr
from realign_edge.errors import ExitCode

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


app.command("demo", short_help="Render a synthetic shop floor to try everything on.")(demo.demo)
app.command("align", short_help="Align the model to a folder of photos: the main job.")(align.align)
app.command("watch", short_help="Look at a run, live or finished: the dashboard, or the same as lines.")(watch.watch)
app.command("export", short_help="Make the station bundle of a run.")(export.export)
app.command("index")(index.index)
app.command("similar")(index.similar)
app.command("inspect", short_help="Judge photos on a station: PASS, FAIL or REVIEW, and why.")(inspect.inspect)
app.command("ask", short_help="Ask one question about a photo.")(ask.ask)
app.command("report", short_help="Write the inspection report, or the alignment report of a run.")(report.report)
app.add_typer(bundle.app, name="bundle", short_help="Verify, install, list and roll back station bundles.")
app.add_typer(models.app, name="models", short_help="Add, list, show and verify models.")
pairs.app.command("review")(review.review)
app.add_typer(pairs.app, name="pairs", short_help="Build, list, review, export and import preference pairs.")
app.add_typer(results.app, name="results", short_help="List, show, decide, verify, export and back up verdicts.")
app.command("doctor", short_help="What this machine has, lacks, and what to do about it.")(doctor.doctor)
app.add_typer(maintain.app, name="maintain", short_help="Nightly upkeep, backups, and the way back.")
app.add_typer(config.app, name="config", short_help="Show and check this machine's configuration.")
app.command("drift", short_help="Do the photos still look like those the model was aligned on?")(drift.drift)
runs.app.command("blind-test")(blind.blind_test)
app.add_typer(runs.app, name="runs", short_help="List, show, stop, pause, resume, prune and blind-test runs.")


def main() -> NoReturn:
    """Entry point of the installed command; exit codes are those of `ExitCode`."""
    forgive_stderr()
    guard_streams()
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(_code())


def _code() -> int:
    command = typer.main.get_command(app)
    try:
        # Not `app()`: that would take Ctrl-C and a closed pipe for itself, and end without a word.
        with command.make_context("realign-edge", sys.argv[1:]) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has what it wanted, and nothing may be left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (Exception, KeyboardInterrupt) as failure:
        from realign_edge.cli.failures import report

        close_progress()
        return int(report(failure))
    finally:
        close_progress()
    return int(ExitCode.DONE)


if __name__ == "__main__":
    main()
