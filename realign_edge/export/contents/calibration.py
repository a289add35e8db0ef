"""Thresholds of a bundle, and what it saw on held-out photos, measured with the graphs that it ships."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from realign_edge.bundle.contract import BASELINE, Baseline
from realign_edge.files import write_json
from realign_edge.glossary.facts import facts_of
from realign_edge.photos.model import Photo
from realign_edge.photos.same import read_same
from realign_edge.progress import Progress
from realign_edge.results.model import Verdict
from realign_edge.station.evidence.evidence import Evidence
from realign_edge.station.inspecting.inspector import Inspector
from realign_edge.station.judging.calibrate import Threshold, calibrate, figures_of
from realign_edge.station.judging.rules import judge


@dataclass(frozen=True)
class Calibration:
    """thresholds: by name, as in station.json; judged: the verdict that each photo gets with them, in their order."""

    thresholds: Mapping[str, Threshold]
    baseline: Baseline
    judged: tuple[Verdict, ...]

    @property
    def values(self) -> dict[str, float]:
        """The numbers of station.json."""
        return {name: float(t.value) for name, t in self.thresholds.items()}


def examined(inspector: Inspector, photos: Sequence[Photo], progress: Progress, task: str) -> list[Evidence]:
    """Look at photos that the model was not trained on, each without itself among the past ones.

    Raises:
        MissingError: a photo can no longer be read, or is another one.
    """
    progress.start(task, len(photos))
    found = []
    for done, photo in enumerate(photos, 1):
        found.append(inspector.examine(np.asarray(read_same(photo)), without=photo.sha256))
        progress.advance(done)
    return found


def calibrated(inspector: Inspector, photos: Sequence[Photo], evidence: Sequence[Evidence]) -> Calibration:
    """Set every threshold by what the photos show, and judge them by it.

    Raises:
        ValueError: there is no photo at all.
    """
    figures = [figures_of(e, facts_of(p.record, inspector.glossary)) for e, p in zip(evidence, photos, strict=True)]
    thresholds = calibrate(figures)
    values = {name: float(t.value) for name, t in thresholds.items()}
    judged = tuple(judge(e, inspector.rules, values, inspector.language)[0] for e in evidence)
    counts = Counter(judged)
    counted = {verdict: counts[verdict] for verdict in ("PASS", "FAIL", "REVIEW")}
    familiarity = tuple(sorted(float(e.familiarity) for e in evidence))
    return Calibration(thresholds, Baseline(familiarity, counted), judged)


def write_baseline(folder: Path, calibration: Calibration) -> None:
    """Write baseline.json."""
    write_json(folder / BASELINE, asdict(calibration.baseline))
