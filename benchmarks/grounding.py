"""What tells true claims from false ones on a station: `python -m benchmarks.grounding`.

The embedded model describes a floor that it was not aligned to; each of its claims is true or false by the record.
For every measure: the probability that a true claim has more of it than a false one (area under the ROC curve), with
a 95 % interval over photos. `neighbour` is what the station uses, `blank` the same against a grey picture.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realign_edge.glossary.facts import facts_of
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.photos.decode import read_photo
from realign_edge.progress import Silent
from realign_edge.station.evidence.grounding import confidence, grounding
from realign_edge.station.evidence.phrases import phrases
from realign_edge.station.inspecting.inspector import LOOKED_AT, Inspector

MEASURES = ("neighbour", "neighbour, whole phrase", "blank", "confidence", "asked for")


def main() -> None:
    """Render, describe, weigh, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--photos", type=int, default=300)
    options.add_argument("--seed", type=int, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        claims = weigh(Path(temporary), given.photos, given.seed)
    right = claims[:, 1] == 1
    print(f"{given.photos} photos, {len(claims)} claims, {int((~right).sum())} of them false")
    for column, name in enumerate(MEASURES, 2):
        low, high = interval(claims, column)
        print(f"{name:<24} {area(claims[right, column], claims[~right, column]):.3f} ({low:.3f}-{high:.3f})")


def weigh(work: Path, photos: int, seed: int) -> NDArray[np.float64]:
    """A row a claim: number of its photo, is it true, and each of MEASURES."""
    from benchmarks.bundles import write_bundle
    from realign_edge.shopfloor.floor import write_floor

    write_floor(work / "floor", photos, seed, workers=2, progress=Silent())
    inspector = Inspector(write_bundle(work / "bundle", "nano", work / "floor"))
    with Catalog(work / "catalog.sqlite") as catalog:
        found = open_collection(catalog, work / "floor", PhotoSettings(), Silent()).photos
    rows: list[tuple[float, ...]] = []
    for number, photo in enumerate(found):
        facts = facts_of(photo.record, inspector.glossary)
        said = _claims(inspector, np.asarray(read_photo(photo.path)), photo.sha256)
        rows += [(number, float(facts is not None and defect in facts.defects), *values) for defect, values in said]
    return np.array(rows)


def _claims(inspector: Inspector, rgb: Any, sha256: str) -> list[tuple[str, tuple[float, ...]]]:
    """Each defect that is claimed, with its measures; the photo itself is no past photo of its own."""
    model, question = inspector.model, inspector.question
    evidence, view = inspector.examine(rgb, without=sha256), model.see(rgb)
    answer = model.answer(view, question)
    found = phrases(answer.ids, model.prompts.decode, inspector.glossary)
    near = inspector.past.nearest(view.embedding, LOOKED_AT, sha256)
    neighbour, _ = inspector.references.find({f.finding.defect for f in found}, near, evidence.part)
    with_other, with_none = (
        model.answer_logps(v, question, answer.ids) for v in (neighbour, inspector.references.blank)
    )
    return [
        (
            f.finding.defect,
            (
                grounding(answer.logps, with_other, f.tokens),
                grounding(answer.logps, with_other, range(min(f.tokens), max(f.tokens) + 1)),
                grounding(answer.logps, with_none, f.tokens),
                confidence(answer.logps, f.tokens),
                probe.yes,
            ),
        )
        for f, probe in zip(found, evidence.confirmed, strict=True)
    ]


def area(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> float:
    """P(right > wrong), ties counted half."""
    pairs = right[:, None] - wrong[None]
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def interval(claims: NDArray[np.float64], column: int, draws: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval; photos are drawn, not claims."""
    rng, photos = np.random.default_rng(0), np.unique(claims[:, 0])
    by_photo = [claims[claims[:, 0] == p] for p in photos]
    areas = []
    for _ in range(draws):
        drawn = np.concatenate([by_photo[i] for i in rng.integers(0, len(photos), len(photos))])
        right = drawn[:, 1] == 1
        areas.append(area(drawn[right, column], drawn[~right, column]))
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
