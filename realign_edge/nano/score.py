"""How good the nano VLM is, on its own biased floor and on an unbiased one.

`python -m realign_edge.nano.score MODEL` prints the figures of its card.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from realign_edge.evaluation.evaluate import Exam, build_exam, take_exam
from realign_edge.evaluation.pope import SETTINGS
from realign_edge.glossary.facts import facts_of
from realign_edge.nano.recipe import Lines
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.progress import Progress
from realign_edge.shopfloor.floor import write_floor
from realign_edge.shopfloor.scene import CoOccurrence
from realign_edge.shopfloor.vocabulary import GLOSSARY
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.model import Vlm

# Far from every seed that a floor is trained, tuned or finally measured on.
_SCORE_SEED = 9000


def score(vlm: Vlm, world: CoOccurrence, photos: int, folder: Path, progress: Progress) -> dict[str, Any]:
    """Metrics over a fresh floor of `photos` photos, rendered into `folder`."""
    root = folder / f"floor-{world.defect_share:.2f}"
    if not (root / "records.csv").exists():
        write_floor(root, photos, _SCORE_SEED, world, workers=2, progress=progress)
    with Catalog(folder / "catalog.sqlite") as catalog:
        found = open_collection(catalog, root, PhotoSettings(), progress)
    favourites = {p: f[0] for p, f in CoOccurrence.biased().favourites.items()}
    facts = {p.sha256: facts_of(p.record, GLOSSARY) for p in found.photos}
    habits = {part: {defect: 1.0} for part, defect in favourites.items()}
    exam = build_exam(found.photos, facts, GLOSSARY, habits, _SCORE_SEED)
    store = FeatureStore(folder / "features", vlm)
    store.ensure(found.photos, progress)
    return summary(vlm, store, exam, favourites, progress)


def summary(
    vlm: Vlm, store: FeatureStore, exam: Exam, favourites: dict[str, str], progress: Progress
) -> dict[str, Any]:
    """The exam's figures as plain numbers."""
    answers = take_exam(vlm, store, exam, progress, "Scoring")
    chair = answers.chair
    figures: dict[str, Any] = {"photos": len(exam.photos)}
    figures |= {m: round(chair.ratio(m), 4) for m in ("chair_i", "chair_s", "recall", "location", "attribute", "exact")}
    figures["hallucinated_favourites"] = round(chair.favourite_share(favourites), 4)
    figures["hallucinated_defects"] = len(chair.hallucinated)
    for setting in SETTINGS:
        asked, right, yes = answers.pope[setting].sum(axis=0)
        figures[f"pope_{setting}"], figures[f"yes_{setting}"] = round(right / asked, 4), round(yes / asked, 4)
    return figures


def main() -> None:
    """Command line: prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "realign-nano-score")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    vlm = load_vlm(arguments.model)
    worlds = {"its own floor": CoOccurrence.biased(), "an unbiased floor": CoOccurrence.unbiased()}
    print(
        json.dumps(
            {n: score(vlm, w, arguments.photos, arguments.folder, Lines()) for n, w in worlds.items()},
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
