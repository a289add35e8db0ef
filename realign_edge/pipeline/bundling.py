"""The bundle of a run: as the last stage of `align`, and by itself for a run of long ago."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realign_edge.bundle.keys import PUBLIC, workstation_key
from realign_edge.bundle.manifest import BundleManifest
from realign_edge.bundle.trust import TrustedKeys
from realign_edge.bundle.verify import verify_bundle
from realign_edge.config.load import load_config
from realign_edge.errors import MissingError, RealignError, UsageError
from realign_edge.export.settings import ExportSettings
from realign_edge.glossary.find import find_glossary
from realign_edge.glossary.language import choose_language
from realign_edge.glossary.model import Glossary
from realign_edge.photos.catalog import Catalog, content_fingerprint
from realign_edge.photos.collection import Collection, open_collection
from realign_edge.pipeline.config import AlignConfig
from realign_edge.progress import Progress
from realign_edge.runs.events import newest_events
from realign_edge.runs.run import Run

if TYPE_CHECKING:
    from realign_edge.export.job import Job

FOLDER = "bundle"


@dataclass(frozen=True)
class Bundled:
    """folder: of the bundle; key_file: what stations need to trust it; new: False where it was there already."""

    folder: Path
    manifest: BundleManifest
    key_file: Path
    new: bool


def job_of(config: AlignConfig, run: Run, collection: Collection, glossary: Glossary) -> "Job":
    """What to export: the run, and what it was made from."""
    from realign_edge.export.job import Job

    return Job(
        model=config.model,
        photo_tokens=config.photo_tokens,
        run=run.folder,
        photos=tuple(collection.photos),
        glossary=glossary,
        language=choose_language(config.language, (p.record for p in collection.photos), glossary).language,
        pooling=config.retrieval.pooling,
        settings=config.export,
        evaluation=_evaluation(run),
        pairs=_pairs(run),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def job_of_run(run: Run, home: Path, settings: ExportSettings | None, progress: Progress) -> "Job":
    """The same for a finished run; settings: other ones than it was made with.

    Raises:
        UsageError: photos or records have changed since, so that nobody knows what was held out.
        MissingError: the photos or the run's settings are gone.
    """
    path = run.folder / "config.toml"
    if not path.is_file():
        raise MissingError(f"{path} is gone, so nobody knows what run {run.run_id} was", "align the photos again")
    config = load_config(AlignConfig, path)
    with Catalog(home / "catalog.sqlite") as catalog:
        collection = open_collection(catalog, Path(str(run.about.get("photos", ""))), config.photos, progress)
        then = run.about.get("inputs", {}).get("photos or records")
        if then != content_fingerprint(collection.photos):
            raise UsageError(
                f"photos or records in {collection.root} have changed since run {run.run_id}",
                f"align them again, which exports as well: realign-edge align {collection.root}",
            )
        chosen = replace(config, export=settings) if settings is not None else config
        return job_of(chosen, run, collection, find_glossary(collection))


def bundled(job: "Job", run: Run, home: Path, progress: Progress, goal: Path | None = None) -> Bundled:
    """The bundle of a run, made where it is not there yet for exactly these inputs; goal: another place for it.

    Raises:
        RealignError: the model cannot be exported, or the exported one is not near enough to the trained one.
    """
    from realign_edge.export.export import export_bundle, inputs_of

    key = workstation_key(home)
    place, inputs, public = goal or run.folder / FOLDER, inputs_of(job, key), home / "keys" / PUBLIC
    if goal is None and run.finished_stage("export", inputs) is not None:
        try:
            return Bundled(place, verify_bundle(place, TrustedKeys((key.public,))), public, False)
        except RealignError as problem:
            progress.warn(f"the bundle is made again: {problem.message.splitlines()[0]}")
    made = export_bundle(job, key, place, progress)
    if goal is None:
        run.finish_stage("export", inputs, {"bundle": made.manifest.id})
    for graph, precision, reason in made.left_out:
        progress.warn(f"{graph} in {precision} is left out: {reason}")
    return Bundled(place, made.manifest, public, True)


def _evaluation(run: Run) -> Mapping[str, Any] | None:
    """The outputs of the run's evaluation, None without one."""
    found = run.stages.get("evaluate", {}).get("outputs")
    return found if isinstance(found, dict) else None


def _pairs(run: Run) -> Mapping[str, int]:
    """Pairs by kind, as the run last told."""
    for event in newest_events(run.folder / "events.jsonl"):
        if event.get("type") == "pairs" and isinstance(event.get("pairs"), dict):
            return {str(kind): int(n) for kind, n in event["pairs"].items()}
    return {}
