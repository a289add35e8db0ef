"""`realign-edge demo`: a synthetic shop floor to try everything on."""

from pathlib import Path
from typing import Annotated

import typer

from realign_edge.cli.options import Json, Quiet, print_json, progress_for


def demo(
    directory: Annotated[Path, typer.Argument(help="Where the shop floor is written.")],
    photos: Annotated[int, typer.Option(min=4, help="How many photos.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    language: Annotated[str, typer.Option(help="Of the inspection notes: en, ja.")] = "en",
    workers: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 2,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Render a small synthetic shop floor: photos, inspection records and a glossary.

    Photos and glossary are the same in every language of the notes.

    Example:  realign-edge demo ./floor --photos 200
    """
    from realign_edge.errors import UsageError
    from realign_edge.glossary.language import NAMES
    from realign_edge.shopfloor.floor import write_floor

    spoken = next((known for known in NAMES if known == language), None)
    if spoken is None:
        raise UsageError(f"unknown language `{language}`", f"languages: {', '.join(NAMES)}")
    shots = write_floor(directory, photos, seed, language=spoken, workers=workers, progress=progress_for(quiet))
    about = {"folder": str(directory), "photos": len(shots), "specimens": len({s.serial for s in shots})}
    if as_json:
        print_json(about)
    elif not quiet:
        typer.echo(
            f"{about['photos']} photos of {about['specimens']} specimens, records.csv and glossary.toml in {directory}"
        )
