"""`realign-edge models`: bring models to this machine, list, show and verify them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from realign_edge.cli.options import Json, Quiet, print_json, progress_for, say

app = typer.Typer(help="The models of this machine.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of a model, as `models list` shows it.")]


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="Model folder (a stick, too), .tar or .tar.gz.")],
    name: Annotated[str | None, typer.Option(help="What it is called here [default: as the folder].")] = None,
    checksums: Annotated[Path | None, typer.Option(help="File that sha256sum wrote.")] = None,
    licence: Annotated[Path | None, typer.Option(help="Licence text, where the folder lacks it.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a model and copy it to this machine.

    Nothing in it is executed, program code and pickle files are left out, and a copy that is interrupted leaves
    nothing.

    Example:  realign-edge models add /media/usb/llava-1.5-7b-hf --checksums /media/usb/SHA256SUMS
    """
    from realign_edge.modelstore import store
    from realign_edge.runs.signals import stop_on_signals

    with stop_on_signals() as stopping:
        found = store.add(
            path.expanduser(),
            name=name,
            checksums=checksums,
            licence=licence,
            progress=progress_for(quiet),
            stopped=stopping,
        )
    if as_json:
        about = {"model": found.manifest.name, "new": found.new, "folder": str(found.folder)}
        print_json({**about, "left_out": list(found.left_out), "manifest": found.manifest.to_json()})
        return
    from realign_edge.cli.models_view import print_added

    print_added(found, quiet)


@app.command("list")
def list_all(as_json: Json = False, quiet: Quiet = False) -> None:
    """List the installed models and the embedded one.

    Example:  realign-edge models list
    """
    from realign_edge.errors import RealignError
    from realign_edge.modelstore.facts import facts_of
    from realign_edge.modelstore.store import installed, tidy

    tidy()
    found, damaged = [], []
    for folder in installed():
        try:
            found.append(facts_of(folder))
        except RealignError as problem:
            damaged.append({"model": folder.name, "folder": str(folder), "error": problem.message})
    if as_json:
        print_json({"models": [as_plain(facts) for facts in found], "damaged": damaged})
        return
    from realign_edge.cli.models_view import print_list

    print_list(found)
    for row in damaged:
        say(f"damaged: {row['model']}: {row['error']}", quiet)


@app.command()
def show(
    model: Name,
    gpu_memory: Annotated[
        float | None, typer.Option(help="Figures for a GPU of so many GiB, which need not be in this machine.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show one model, its licence, and whether training it fits here.

    The memory is predicted from config.json and the headers of the weights; the model is not loaded.

    Example:  realign-edge models show nano --gpu-memory 24
    """
    from realign_edge.errors import UsageError

    if gpu_memory is not None and not 0 < gpu_memory < 2**20:
        raise UsageError(f"--gpu-memory {gpu_memory:g} is no size of a GPU", "say it in GiB: --gpu-memory 24")
    from dataclasses import asdict

    from realign_edge.cli.options import hush_libraries
    from realign_edge.modelstore.facts import facts_of
    from realign_edge.modelstore.store import locate

    facts = facts_of(locate(model))
    from realign_edge.alignment.headroom import BUDGETS, headroom, shape_of

    hush_libraries()
    shape = shape_of(facts.folder)
    room = headroom(facts, shape, int((gpu_memory or 0) * 2**30))
    if as_json:
        photo = {"image_tokens": shape.image_tokens, "context": shape.context}
        print_json({**as_plain(facts), **photo, "training": {"budgets": BUDGETS, **asdict(room)}})
        return
    from realign_edge.cli.model_view import print_model

    print_model(facts, shape, room)
    if facts.manifest is None and not facts.embedded:
        say("it was not taken in with `models add`, so `models verify` cannot check it", quiet)


@app.command()
def presets(
    gpu: Annotated[int | None, typer.Option(help="What fits a GPU of so many GB, as it is sold.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show presets for GPUs, or which models one can train.

    Predicted from the shapes that the family profiles state; nothing was measured on a GPU.

    Example:  realign-edge models presets --gpu 24
    """
    from dataclasses import asdict

    from realign_edge.errors import UsageError

    if gpu is not None and not 1 <= gpu <= 1024:
        raise UsageError(f"--gpu {gpu} is no size of a GPU", "say it in GB: --gpu 24")
    from realign_edge.alignment.gpu_presets import gpu_presets

    if gpu is None:
        shown = list(gpu_presets().values())
        rows = [asdict(preset) for preset in shown]
    else:
        from realign_edge.alignment.gpu_search import fits

        found = fits(gpu)
        rows = [fit.as_plain() for fit in found]
    if as_json:
        print_json({"presets": rows} if gpu is None else {"gpu_gb": gpu, "models": rows})
        return
    from realign_edge.cli.presets_view import print_fits, print_presets

    if gpu is None:
        print_presets(shown)
        say("use one with: realign-edge align PHOTOS --preset gpu-24gb", quiet)
    else:
        print_fits(found)


@app.command()
def verify(model: Name, as_json: Json = False, quiet: Quiet = False) -> None:
    """Compare the files of a model with what was taken in.

    Exit code 1 where a file has changed, is missing, or was not there.

    Example:  realign-edge models verify llava-1.5-7b-hf
    """
    from realign_edge.errors import ExitCode
    from realign_edge.modelstore.store import locate
    from realign_edge.modelstore.verify import verify as compare
    from realign_edge.runs.signals import stop_on_signals

    with stop_on_signals() as stopping:
        found = compare(locate(model), progress_for(quiet), stopping)
    differing = {"changed": found.changed, "missing": found.missing, "extra": found.extra}
    if as_json:
        print_json({"model": found.name, "sound": found.sound, "files": found.checked, **differing})
    else:
        for kind, names in differing.items():
            for name in names:
                typer.echo(f"{kind:<8} {name}")
        if found.sound:
            typer.echo(f"{found.name}: all {found.checked} files are as they were taken in")
    if not found.sound:
        say(f"{found.name} is not what was taken in; delete its folder, then add it again", quiet)
        raise typer.Exit(int(ExitCode.FAILED))


def as_plain(facts: Any) -> dict[str, Any]:
    """A model's facts as one JSON object; null where something is not known."""
    from dataclasses import asdict

    origin, checkpoint = facts.manifest.origin if facts.manifest else None, facts.checkpoint
    return {
        "model": facts.name,
        "folder": str(facts.folder),
        "embedded": facts.embedded,
        "family": facts.family.name,
        "family_title": facts.family.title,
        "parameters": asdict(facts.parameters),
        "bytes": facts.size,
        "licence": facts.licence.id or None,
        "licence_allows": facts.licence.allows,
        "commercial_use": facts.commercial_use,
        "note": checkpoint.note if checkpoint else "",
        "hub": (origin and origin.hub) or None,
        "hub_known_by": (origin and origin.known_by) or None,
        "revision": (origin and origin.revision) or None,
        "added": facts.manifest.added if facts.manifest else None,
    }
