"""Thresholds of a bundle, and what it saw on held-out photos, measured with the graphs that it ships."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from realign_edge.bundle.contract import BASELINE, Baseline
from realign_edge.files import write_json
from realign_edge.glossary.facts import facts_of
from realign_edge.photos.decode import read_photo
from realign_edge.photos.model import Photo
from realign_edge.progress import Progress
from realign_edge.station.calibrate import Threshold, calibrate, figures_of
from realign_edge.station.inspector import Inspector
from realign_edge.station.rules import judge


@dataclass(frozen=True)
class Calibration:
    """thresholds: by name, as in station.json; verdicts: that the held-out photos get with them."""

    thresholds: Mapping[str, Threshold]
    baseline: Baseline

    @property
    def values(self) -> dict[str, float]:
        """The numbers of station.json."""
        return {name: float(t.value) for name, t in self.thresholds.items()}


def calibrated(inspector: Inspector, photos: Sequence[Photo], progress: Progress) -> Calibration:
    """Examine photos that the model was not trained on, and set every threshold by what they show.

    Raises:
        ValueError: there is no photo at all.
        Refusal: a photo can no longer be read.
    """
    progress.start("Calibrating", len(photos))
    examined = []
    for done, photo in enumerate(photos, 1):
        examined.append(inspector.examine(np.asarray(read_photo(photo.path)), without=photo.sha256))
        progress.advance(done)
    figures = [figures_of(e, facts_of(p.record, inspector.glossary)) for e, p in zip(examined, photos, strict=True)]
    thresholds = calibrate(figures)
    values = {name: float(t.value) for name, t in thresholds.items()}
    verdicts = Counter(judge(e, inspector.rules, values, inspector.language)[0] for e in examined)
    counted = {verdict: verdicts[verdict] for verdict in ("PASS", "FAIL", "REVIEW")}
    familiarity = tuple(sorted(float(e.familiarity) for e in examined))
    progress.finish(", ".join(f"{n} {verdict}" for verdict, n in counted.items()))
    return Calibration(thresholds, Baseline(familiarity, counted))


def write_baseline(folder: Path, calibration: Calibration) -> None:
    """Write baseline.json."""
    write_json(folder / BASELINE, asdict(calibration.baseline))
