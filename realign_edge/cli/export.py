"""`realign-edge export`: the station bundle of a run."""

from pathlib import Path
from typing import Annotated

import typer

from realign_edge.cli.options import Json, Quiet, hush_libraries, print_json, progress_for, say


def export(
    run: Annotated[str, typer.Argument(help="Run, the start of its name, or `latest`.")] = "latest",
    precision: Annotated[
        list[str] | None, typer.Option(help="A precision to try: fp32, int8, int4; several times [default: all].")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the bundle goes [default: into the run's folder].")] = None,
    site: Annotated[str | None, typer.Option(help="Name of the plant, written into the bundle.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Export a run as a signed bundle for inspection stations.

    The adapter is merged, graphs are written in every precision, and each is compared with the trained model on
    held-out photos; of those that are near enough the fastest are shipped. Exit code 4: none is near enough, and
    there is no bundle. Stopped and started again, it goes on where it was.

    Example:  realign-edge export latest --precision fp32 --precision int4
    """
    from realign_edge.export.settings import ExportSettings
    from realign_edge.home import home
    from realign_edge.pipeline.bundling import bundled, job_of_run
    from realign_edge.pipeline.heed import Heeding
    from realign_edge.runs.lock import work_lock
    from realign_edge.runs.run import find_run
    from realign_edge.runs.signals import stop_on_signals

    found, progress = find_run(home() / "runs", run), progress_for(quiet)
    settings = _settings(found, precision, site)
    assert settings is None or isinstance(settings, ExportSettings)
    hush_libraries()
    with work_lock(home() / "work.lock", f"realign-edge export {run}"), stop_on_signals() as stopping:
        job = job_of_run(found, home(), settings, progress)
        heeding = Heeding(progress, None, "export", stopping)
        made = bundled(job, found, home(), heeding, out.expanduser().absolute() if out else None)
    manifest = made.manifest
    if as_json:
        about = {"run": found.run_id, "bundle": manifest.id, "folder": str(made.folder), "new": made.new}
        parity = [{"graph": r.graph, "precision": r.precision, "reason": r.reason} for r in manifest.parity]
        print_json({**about, "key_file": str(made.key_file), "precisions": dict(manifest.precisions), "parity": parity})
        return
    from realign_edge.cli.bundle_view import print_bundle

    print_bundle(made.folder, manifest)
    if not manifest.training.adopt:
        say("note: the evaluation does not recommend this model for adoption; the bundle says so as well", quiet)
    say(f"install it: realign-edge bundle install {made.folder} --trust {made.key_file}", quiet)


def _settings(run: object, precisions: list[str] | None, site: str | None) -> object:
    """The run's own export settings with what was typed; None where nothing was."""
    from realign_edge.config.load import load_config
    from realign_edge.pipeline.config import AlignConfig
    from realign_edge.runs.run import Run

    assert isinstance(run, Run)
    typed = {"export.precisions": precisions, "export.site": site}
    given = {name: value for name, value in typed.items() if value}
    path = run.folder / "config.toml"
    return load_config(AlignConfig, path, given).export if given and path.is_file() else None
