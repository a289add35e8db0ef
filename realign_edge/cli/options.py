"""Options that every command has, and how results are printed. stdout is data, stderr is for people."""

import json
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from realign_edge.cli.guard import visible_json
from realign_edge.files import finite
from realign_edge.progress import Progress, Silent

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks on stderr; errors still.")]
Language = Annotated[
    str | None, typer.Option(help="Of the prompts: auto, en, ja [default: auto, the language of the records' notes].")
]
_open: list[Callable[[], None]] = []


def say(message: str, quiet: bool = False) -> None:
    """A remark for people, on stderr."""
    if not quiet:
        print(message, file=sys.stderr)


def print_json(value: Any) -> None:
    """One JSON object on stdout; NaN, which JSON does not know, becomes null."""
    sys.stdout.write(visible_json(json.dumps(finite(value), ensure_ascii=False, indent=2)) + "\n")


def progress_for(quiet: bool, plain: bool = False) -> Progress:
    """Bars on a terminal, lines elsewhere, on a dumb one and with --plain, silence with --quiet."""
    if quiet:
        return Silent()
    from realign_edge.cli.progress import Bars, Lines

    moves = sys.stderr.isatty() and not plain and os.environ.get("TERM") != "dumb"
    shown = Bars() if moves else Lines()
    _open.append(shown.close)
    return shown


def close_progress() -> None:
    """Take every bar away, so that what is said next stands on a clean line with the cursor visible."""
    while _open:
        _open.pop()()


def hush_libraries() -> None:
    """The libraries' own progress bars and notices would tear ours."""
    import logging
    import warnings

    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    for name in ("bitsandbytes", "sentence_transformers", "torch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
