"""From a run to a signed bundle: merge, graphs, parity gate, calibration, golden photos, signature."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from realign_edge import __version__
from realign_edge.bundle.contract import Precision
from realign_edge.bundle.keys import SigningKey
from realign_edge.config.load import from_values
from realign_edge.errors import MissingError
from realign_edge.export.assemble import assemble
from realign_edge.export.gate.gate import pass_gate
from realign_edge.export.gate.trial import Trial
from realign_edge.export.graphs.graphs import Graphs, export_graphs
from realign_edge.export.graphs.hub import newline_of
from realign_edge.export.graphs.tower.patches import grid_of
from realign_edge.export.job import Aligned, Exported, Job
from realign_edge.export.merge import merge
from realign_edge.export.parity.sitting import ask_torch
from realign_edge.export.steps import Steps
from realign_edge.export.tables.preprocess import preprocess_of
from realign_edge.files import fingerprint, made_beside, sha256_file, sync_folder
from realign_edge.photos.same import read_same
from realign_edge.progress import Progress
from realign_edge.vlm.load import load_vlm

ADAPTER = Path("adapter") / "adapter_model.safetensors"


def inputs_of(job: Job, key: SigningKey) -> str:
    """Changes with whatever a bundle depends on, but its time."""
    photos = [(p.sha256, p.split) for p in job.photos]
    about = (
        job.model,
        job.photo_tokens,
        sha256_file(job.run / ADAPTER),
        photos,
        job.language,
        job.pooling,
        asdict(job.settings),
    )
    terms = [asdict(t) for t in job.glossary.terms]
    return fingerprint(__version__, about, terms, dict(job.evaluation or {}), dict(job.pairs), key.public.id)


def export_bundle(job: Job, key: SigningKey, goal: Path, progress: Progress) -> Exported:
    """Make the bundle, and put it at `goal`; what is there is replaced in the last moment.

    What is finished is kept in `<run>/export/`, so that an export that was stopped goes on from there.

    Raises:
        MissingError: the run has no adapter, or there is no photo to compare on.
        GateError: the exported model is not near enough to the trained one.
        RealignError: the family cannot be exported, or something failed on the way.
    """
    if not (job.run / ADAPTER).is_file():
        raise MissingError(f"run {job.run.name} has no adapter", "let its training finish: realign-edge align PHOTOS")
    if not job.train or not job.held_out:
        raise MissingError("there are no photos to compare the exported model on", "export with the photos of the run")
    steps = Steps(job.run / "export", inputs_of(job, key))
    probe = read_same(job.held_out[0])
    # Unquantised and in float32, whatever it was trained in.
    vlm = load_vlm(job.model, dtype=torch.float32, photo_tokens=job.photo_tokens)
    aligned = Aligned(vlm, merge(vlm, job.run / "adapter", probe, [job.question]))
    graphs = _graphs(job, aligned, steps, progress)
    trial = Trial(job, graphs, _preprocess(aligned), steps, _threads())
    paper = job.paper()
    gate = pass_gate(trial, paper, ask_torch(aligned.vlm, paper, job.pooling, progress), progress)
    with made_beside(goal.with_name(f".{goal.name}.tmp")) as place:
        manifest = assemble(place, trial, aligned, gate, key)
        _put(place, goal)
    shutil.rmtree(steps.folder, ignore_errors=True)
    left_out = tuple((r.graph, r.precision, r.reason) for r in gate.results if not r.passed)
    return Exported(goal, manifest, left_out)


def _graphs(job: Job, aligned: Aligned, steps: Steps, progress: Progress) -> Graphs:
    """The graphs in every precision; fp32 is always among them, since the others are compared beside it."""
    wanted: tuple[Precision, ...] = ("fp32", *(p for p in job.settings.precisions if p != "fp32"))

    def write() -> Any:
        return asdict(export_graphs(aligned.vlm, steps.folder, wanted, pooling=job.pooling, progress=progress))

    return from_values(Graphs, steps.once("graphs", write), str(steps.folder))


def _preprocess(aligned: Aligned) -> dict[str, Any]:
    vlm = aligned.vlm
    return preprocess_of(vlm.processor, vlm.family.limits) | newline_of(vlm) | grid_of(vlm)


def _threads() -> int:
    """Of the runtime; torch has the same number."""
    return max(1, torch.get_num_threads())


def _put(place: Path, goal: Path) -> None:
    """The new bundle takes the place of an old one; between the two renames there is none."""
    old = goal.with_name(f".{goal.name}.old.tmp")
    shutil.rmtree(old, ignore_errors=True)
    if goal.exists():
        goal.rename(old)
    place.rename(goal)
    sync_folder(goal.parent)
    shutil.rmtree(old, ignore_errors=True)
