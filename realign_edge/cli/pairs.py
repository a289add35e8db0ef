"""`realign-edge pairs`: build, look at, export and import preference pairs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.guard import visible_json
from realign_edge.cli.options import Json, Language, Quiet, hush_libraries, print_json, progress_for, say

app = typer.Typer(help="The preference pairs.", no_args_is_help=True)
Photos = Annotated[Path, typer.Argument(help="Folder of photos.")]


@app.command()
def build(
    photos: Photos,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    model: Annotated[str | None, typer.Option(help="Name or folder of the model [default: nano].")] = None,
    language: Language = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build the pairs, and say why others were not made.

    Example:  realign-edge pairs build ./photos
    """
    from realign_edge.appliance.load import align_values
    from realign_edge.home import home
    from realign_edge.pipeline.align import Pipeline
    from realign_edge.pipeline.config import resolve
    from realign_edge.runs.lock import card_lock, work_lock
    from realign_edge.runs.signals import stop_on_signals

    settings = resolve(config, {k: v for k, v in {"model": model, "language": language}.items() if v}, align_values())
    hush_libraries()
    what = f"realign-edge pairs build {photos}"
    with work_lock(home() / "work.lock", what), card_lock(settings.device, what), stop_on_signals() as stopping:
        outcome = Pipeline(settings, home(), progress_for(quiet), stopping).run(photos, "pairs")
    if as_json:
        from realign_edge.cli.align import as_plain

        print_json(as_plain(outcome))
    else:
        from realign_edge.cli.summary import print_outcome

        print_outcome(outcome)
        if outcome.pairs is not None and outcome.pairs.pairs:
            _tell_doubtful(photos, quiet)


def _tell_doubtful(photos: Path, quiet: bool) -> None:
    from realign_edge.home import home
    from realign_edge.preferences.review.session import ReviewSession
    from realign_edge.preferences.review.stock import open_stock

    known = ReviewSession(open_stock(home() / "catalog.sqlite", photos), "").standing()
    if known.worth_left:
        say(f"{known.worth_left} of {known.pairs} pairs are worth a look: realign-edge pairs review {photos}", quiet)


@app.command("list")
def list_pairs(
    photos: Photos,
    count: Annotated[int, typer.Option("-n", min=1, help="How many to show.")] = 10,
    kind: Annotated[str, typer.Option(help="Only this kind: note, yes_no, where.")] = "note",
    as_json: Json = False,
) -> None:
    """Show pairs: masked note, chosen and rejected, with the words that differ marked [like this].

    Example:  realign-edge pairs list ./photos -n 5
    """
    from realign_edge.cli.pairs_view import pair_lines, reviewed_json
    from realign_edge.preferences.review.effect import apply_rulings

    pairs, names, rulings = _stored(photos)
    shown = [p for p in pairs if kind in ("", p.kind)][:count]
    reviewed = apply_rulings(pairs, rulings)
    if as_json:
        values = [p.to_json() | reviewed_json(rulings.get(p.pair_id)) for p in shown]
        changed = dict(reviewed.changes)
        print_json({"pairs": values, "total": len(pairs), "trained_on": len(reviewed.pairs), "changed": changed})
        return
    for pair in shown:
        typer.echo("\n".join(pair_lines(pair, names, rulings.get(pair.pair_id))))
    typer.echo(f"{len(shown)} of {len(pairs)} pairs, as they were built", err=True)
    if reviewed.sentence:
        typer.echo(reviewed.sentence, err=True)


@app.command()
def export(
    photos: Photos,
    file: Annotated[Path, typer.Argument(help="File to write; `-` for stdout.")],
    form: Annotated[str, typer.Option(help="trl (JSONL) or realign (one JSON list).")] = "trl",
) -> None:
    """Write the pairs for another tool, as people want them where they looked at them.

    Example:  realign-edge pairs export ./photos pairs.jsonl --form trl
    """
    from realign_edge.errors import UsageError
    from realign_edge.files import write_atomic
    from realign_edge.home import home
    from realign_edge.photos.catalog import Catalog
    from realign_edge.preferences.files import FORMS, dump, pair_rows

    if form not in FORMS:
        raise UsageError(f"unknown form `{form}`", f"forms: {', '.join(FORMS)}")
    from realign_edge.preferences.review.effect import apply_rulings

    built, _, rulings = _stored(photos)
    reviewed = apply_rulings(built, rulings)
    pairs = reviewed.pairs
    with Catalog(home() / "catalog.sqlite") as catalog:
        by_sha = {p.sha256: p for p in catalog.photos(photos.resolve())}
    text = dump(pair_rows(pairs, by_sha, form), form)
    if str(file) == "-":
        sys.stdout.write(visible_json(text))
    else:
        write_atomic(file, text)
        typer.echo(f"{len(pairs)} pairs written to {file}", err=True)
    if reviewed.sentence:
        typer.echo(reviewed.sentence, err=True)


@app.command("import")
def import_pairs(
    photos: Photos,
    file: Annotated[Path, typer.Argument(help="Pair file in TRL or Re-Align form.")],
    as_json: Json = False,
) -> None:
    """Take pairs from another tool into the catalog, under the name `import`.

    Example:  realign-edge pairs import ./photos pairs.jsonl
    """
    from realign_edge.home import home
    from realign_edge.photos.catalog import Catalog
    from realign_edge.photos.collection import PhotoSettings, open_collection
    from realign_edge.preferences.files import read_pairs
    from realign_edge.progress import Silent

    with Catalog(home() / "catalog.sqlite") as catalog:
        found = open_collection(catalog, photos, PhotoSettings(), Silent())
        pairs, problems = read_pairs(file, found.photos)
        by_photo: dict[str, list[dict[str, Any]]] = {}
        for pair in pairs:
            by_photo.setdefault(pair.photo, []).append(pair.to_json())
        catalog.store_attempts(found.root, "import", [(sha, {}, rows) for sha, rows in sorted(by_photo.items())])
    if as_json:
        print_json({"imported": len(pairs), "problems": problems})
        return
    for problem in problems:
        typer.echo(f"passed over: {problem}", err=True)
    typer.echo(f"{len(pairs)} pairs imported, {len(problems)} rows passed over")


def _stored(photos: Path) -> tuple[list[Any], dict[str, str], dict[str, Any]]:
    """Pairs of the newest settings for this folder, photo names by identity, and what people decided by pair."""
    from realign_edge.errors import MissingError
    from realign_edge.home import home
    from realign_edge.photos.catalog import Catalog
    from realign_edge.preferences.model import PreferencePair
    from realign_edge.preferences.review.ruling import read_rulings

    root = photos.expanduser().resolve()
    with Catalog(home() / "catalog.sqlite") as catalog:
        settings = catalog.pair_settings(root)
        if not settings:
            raise MissingError(f"no pairs for {photos} yet", f"make them: realign-edge pairs build {photos}")
        pairs = [PreferencePair.from_json(v) for v in catalog.pairs(root, settings[-1])]
        return pairs, {p.sha256: p.name for p in catalog.photos(root)}, dict(read_rulings(catalog.path))
