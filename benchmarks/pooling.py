"""Which pooling of the tower's states makes the best neighbours: `python -m benchmarks.pooling`.

A good reference photo shows the same part in other circumstances: so the nearest neighbours of another
specimen should share the part, and their records should differ in the defects.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.objectives import Bench
from realign_edge.nano.recipe import Lines
from realign_edge.vlm.pooling import POOLINGS

NEIGHBOURS = 5


def main() -> None:
    """Command line: prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/.objectives"))
    parser.add_argument("--floor", default="tuning")
    parser.add_argument("--photos", type=int, default=800)
    parser.add_argument("--model", default="nano")
    arguments = parser.parse_args()
    bench = Bench(arguments.folder, arguments.floor, arguments.photos, arguments.model, progress=Lines())
    photos = [p for p in bench.exam.photos if p.record is not None]
    records = [p.record for p in photos if p.record is not None]
    print(f"{len(photos)} photos, {NEIGHBOURS} nearest of other specimens")
    print("| pooling | same part | same finish | same background | other defects |\n|---|---|---|---|---|")
    for how in POOLINGS:
        vectors = bench.store.vectors([p.sha256 for p in photos], how)
        similarity = vectors @ vectors.T
        rows = []
        for i, ours in enumerate(records):
            others = [j for j in np.argsort(-similarity[i]) if records[j].serial != ours.serial][:NEIGHBOURS]
            for theirs in (records[j] for j in others):
                same = [ours.attributes[k] == theirs.attributes[k] for k in ("finish", "background")]
                rows.append([ours.part == theirs.part, *same, set(ours.defects) != set(theirs.defects)])
        shares = np.mean(np.array(rows, float), axis=0)
        print(f"| {how} | " + " | ".join(f"{s:.1%}" for s in shares) + " |")


if __name__ == "__main__":
    main()
