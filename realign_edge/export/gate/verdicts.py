"""Whole verdicts in the parity gate: held-out photos judged by any mix of graphs, as a station would judge them.

The reference is fp32, which the gate has found to be the torch model. Every mix has past photos seen by its own graph
and thresholds of its own, put on the photos that it is asked about: both belong to the precision that is shipped.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from realign_edge.bundle.contract import GLOSSARY, MANIFEST, RULES, Baseline
from realign_edge.export.contents.calibration import Calibration, calibrated, examined
from realign_edge.export.contents.evidence import write_evidence
from realign_edge.export.gate.trial import Mix, Trial
from realign_edge.files import made_beside, write_atomic, write_json
from realign_edge.glossary.load import glossary_toml
from realign_edge.intervals import wilson_interval
from realign_edge.progress import Progress
from realign_edge.results.model import Verdict
from realign_edge.station.inspecting.inspector import Inspector
from realign_edge.station.judging.calibrate import Threshold
from realign_edge.station.judging.rules import DEFAULT

# What bundles of an unfinished export say of themselves; nothing trusts them, since they are not signed.
UNSIGNED = {"id": "0" * 16, "model_sha256": "0" * 64}
_INDEX = "index"
AGREEMENT = ("verdicts", "verdicts_low", "verdicts_high", "verdicts_n", "let_through")


def judged_by(trial: Trial, mix: Mix, counts: Sequence[int], progress: Progress) -> list[Calibration]:
    """The mix, calibrated on the first held-out photos, once for each of `counts`; kept in the export's steps.

    Raises:
        Refusal: a photo can no longer be read.
    """
    photos = trial.job.calibration_photos[: max(counts)]

    def judge() -> Any:
        inspector = _inspector(trial, mix, progress)
        evidence = examined(inspector, photos, progress, f"Verdicts: {words_of(mix)}")
        found = [calibrated(inspector, photos[:n], evidence[:n]) for n in counts]
        verdicts = found[0].baseline.verdicts
        progress.finish(", ".join(f"{n} {verdict}" for verdict, n in verdicts.items()))
        return [asdict(c) for c in found]

    name = f"verdicts {json.dumps(mix, sort_keys=True)} {list(counts)}"
    return [_calibration(value) for value in trial.steps.once(name, judge)]


def agreement(reference: Sequence[Verdict], found: Sequence[Verdict]) -> dict[str, float]:
    """Share of photos with the same verdict, with its 95 % interval (Wilson) and the number of photos; let_through:
    share of photos that pass, and did not for the reference."""
    pairs = list(zip(reference, found, strict=True))
    share = wilson_interval(sum(a == b for a, b in pairs), len(pairs))
    through = sum(b == "PASS" and a != "PASS" for a, b in pairs) / len(pairs)
    return dict(zip(AGREEMENT, (share.value, share.low, share.high, float(share.n), through), strict=True))


def words_of(mix: Mapping[Any, str]) -> str:
    """What of a mix is coarser than fp32."""
    return ", ".join(f"{g.split('_')[0]} {p}" for g, p in mix.items() if p != "fp32") or "fp32"


def past_of(trial: Trial, mix: Mix) -> Path:
    """The folder with `index/` as this mix sees the past photos; there once the mix was judged."""
    return trial.steps.folder / f"past-{mix['vision_encoder']}"


def _inspector(trial: Trial, mix: Mix, progress: Progress) -> Inspector:
    """The mix as a bundle that could be inspected with."""
    model, job = trial.model(mix), trial.job
    folder, past = model.folder, past_of(trial, mix)
    write_atomic(folder / GLOSSARY, glossary_toml(job.glossary))
    write_atomic(folder / RULES, DEFAULT.read_bytes())
    write_json(folder / MANIFEST, UNSIGNED)
    if not past.is_dir():
        others = sorted(trial.steps.folder.glob("past-*"))
        with made_beside(past.with_name(f".{past.name}.tmp")) as beside:
            write_evidence(beside, job.train, job.glossary, model, progress, others[0] if others else None)
            beside.rename(past)
    (folder / _INDEX).unlink(missing_ok=True)
    (folder / _INDEX).symlink_to((past / _INDEX).resolve())
    return Inspector(folder, trial.threads, model)


def _calibration(value: Mapping[str, Any]) -> Calibration:
    """As it was kept; a share of nothing is null in JSON."""
    thresholds = {name: _threshold(t) for name, t in value["thresholds"].items()}
    baseline = value["baseline"]
    kept = Baseline(tuple(baseline["familiarity"]), dict(baseline["verdicts"]))
    return Calibration(thresholds, kept, tuple(value["judged"]))


def _threshold(value: Mapping[str, Any]) -> Threshold:
    known: dict[str, Any] = {name: math.nan if number is None else number for name, number in value.items()}
    return Threshold(**known)
