"""A bundle's folder, file by file, out of exported graphs, photos and a run's evaluation."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from realign_edge import __version__
from realign_edge.bundle.contract import EVALUATION, GLOSSARY, MANIFEST, PARITY, RULES, STATION
from realign_edge.bundle.keys import SigningKey
from realign_edge.bundle.manifest import BaseModel, BundleManifest, GraphParity, Training
from realign_edge.bundle.seal import seal
from realign_edge.export.contents.calibration import write_baseline
from realign_edge.export.contents.golden import write_golden
from realign_edge.export.gate.gate import Gate, sizes_of
from realign_edge.export.gate.trial import Trial
from realign_edge.export.gate.verdicts import AGREEMENT, UNSIGNED, past_of
from realign_edge.export.job import Aligned
from realign_edge.files import finite, from_json, sha256_file, write_atomic, write_json
from realign_edge.glossary.load import glossary_toml
from realign_edge.station.inspecting.inspector import Inspector
from realign_edge.station.judging.rules import DEFAULT
from realign_edge.vlm.find import find_model

_LIBRARIES = ("onnxruntime", "tokenizers", "numpy", "pillow", "torch", "transformers", "peft")


def assemble(place: Path, trial: Trial, aligned: Aligned, gate: Gate, key: SigningKey) -> BundleManifest:
    """Fill `place`, and sign it.

    Raises:
        Refusal: a photo can no longer be read.
    """
    job = trial.job
    copy_graphs(place, trial, gate)
    write_atomic(place / GLOSSARY, glossary_toml(job.glossary))
    write_atomic(place / RULES, DEFAULT.read_bytes())
    _copy_licence(find_model(job.model), place)
    write_json(place / EVALUATION, dict(job.evaluation or {}))
    write_json(place / STATION, asdict(trial.profile(gate.mix, gate.calibration.values)))
    write_json(place / MANIFEST, UNSIGNED)
    shutil.copytree(past_of(trial, gate.mix), place, dirs_exist_ok=True)
    write_baseline(place, gate.calibration)
    # As a station opens it: what does not fit together is found here.
    inspector = Inspector(place, trial.threads)
    golden = sorted(job.held_out, key=lambda p: p.sha256)[: job.settings.golden_photos]
    write_golden(place, golden, inspector.model)
    rows = parity_rows(trial, gate)
    write_json(place / PARITY, parity_json(trial, aligned, gate, rows))
    return seal(place, key, **_about(trial, aligned, gate, rows))


def copy_graphs(place: Path, trial: Trial, gate: Gate) -> None:
    """The graphs that are shipped, and the small files that other tools ask for."""
    passed = {(r.graph, r.precision) for r in gate.results if r.passed}
    wanted = {(g, p) for g, p in gate.mix.items()} | (passed if trial.job.settings.ship == "passed" else set())
    names = [n for f in trial.graphs.files if (f.graph, f.precision) in wanted for n in f.files]
    for name in (*names, *trial.graphs.hub_files):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(trial.steps.folder / name, place / name)
    config = place / "config.json"
    about = from_json(config.read_text(encoding="utf-8"))
    external = about.get("transformers.js_config", {}).get("use_external_data_format", {})
    shipped = {Path(n).name for n in names}
    if gone := [n for n in external if n not in shipped]:
        for name in gone:
            del external[name]
        write_json(config, about)


def parity_rows(trial: Trial, gate: Gate) -> tuple[GraphParity, ...]:
    """Every graph in every precision, as the manifest lists it."""
    sizes = sizes_of(trial.graphs)
    rows = []
    for r in gate.results:
        largest = r.figures["vision" if r.graph == "vision_encoder" else "decoder"]
        shown = {n: v for n, v in r.figures.items() if n not in ("vision", "decoder")}
        figures = {"max_difference": largest, **shown}
        if gate.mix[r.graph] == r.precision:
            # The mix has no row of its own.
            figures |= {f"together_{n}": v for n, v in gate.figures.items() if n in AGREEMENT}
        rows.append(GraphParity(r.graph, r.precision, sizes[r.graph, r.precision], r.passed, r.reason, figures))
    return tuple(rows)


def parity_json(trial: Trial, aligned: Aligned, gate: Gate, rows: tuple[GraphParity, ...]) -> dict[str, Any]:
    """What was compared, with what result, under which bars."""
    paper = trial.job.paper()
    times = {f"{r.graph} {r.precision}": r.ms for r in gate.results}
    value = {
        "photos": len(paper.photos),
        "questions": len(paper.probes),
        "bars": asdict(trial.job.settings),
        "merge": asdict(aligned.merge),
        "graphs": [asdict(row) for row in rows],
        "milliseconds_a_photo": times,
        "used": dict(gate.mix),
        "together": dict(gate.figures),
        "turned_down": [
            {"precisions": {str(g): str(p) for g, p in mix.items()}, "reason": reason}
            for mix, reason in gate.turned_down
        ],
        "route": trial.graphs.route,
        "route_reason": trial.graphs.reason,
        "thresholds": {name: asdict(t) for name, t in gate.calibration.thresholds.items()},
    }
    return dict(finite(value))


def _about(trial: Trial, aligned: Aligned, gate: Gate, rows: tuple[GraphParity, ...]) -> dict[str, Any]:
    """The manifest's fields that are not about files."""
    from importlib.metadata import version

    from realign_edge.modelstore.licences import licence_of

    job, vlm = trial.job, aligned.vlm
    decision = (job.evaluation or {}).get("decision", {})
    adapter = job.run / "adapter" / "adapter_model.safetensors"
    return {
        "created": job.created,
        "site": job.settings.site,
        "base": BaseModel(vlm.name, vlm.family.name, vlm.fingerprint, licence_of(find_model(job.model)).id),
        "training": Training(
            run=job.run.name,
            adapter_sha256=sha256_file(adapter),
            photos=len(job.train),
            held_out=sum(p.split == "held_out" for p in job.photos),
            pairs=dict(job.pairs),
            adopt=bool(decision.get("adopt", False)),
            decision=str(decision.get("sentence", "Not evaluated: no held-out photo has a record.")),
        ),
        "tools": {"realign-edge": __version__} | {name: version(name) for name in _LIBRARIES},
        "preprocessing": dict(trial.preprocess),
        "precisions": dict(gate.mix),
        "parity": tuple(replace(row, figures=dict(row.figures)) for row in rows),
    }


def _copy_licence(model: Path, place: Path) -> None:
    """The licence of the base model goes wherever its weights go."""
    from realign_edge.modelstore.intake import is_licence

    for path in sorted(model.iterdir()):
        if path.is_file() and is_licence(path.name):
            write_atomic(place / path.name, path.read_bytes())
