"""Does the order of pair review find what is wrong: `python -m benchmarks.review_queue`.

In a rendered shop floor, a share of the photos get each other's records, as when somebody filed notes under the wrong
photo. Pairs are built from it as usual, and a reviewer who knows the truth discards what was built from a wrong record,
pair after pair in the order that the session gives; beside it what the same number of looks finds in a random order. A
floor with nothing swapped says how many pairs are called worth a look for nothing.
"""

import argparse
import csv
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from realign_edge.pipeline.align import Pipeline
from realign_edge.pipeline.config import resolve
from realign_edge.preferences.review.session import ReviewSession
from realign_edge.preferences.review.stock import open_stock
from realign_edge.progress import Silent
from realign_edge.shopfloor.floor import write_floor

# What a record says of the photo; the rest (lot, serial, camera, ...) stays with it.
SWAPPED = ("note", "part", "defects", "location", "finish", "background")
LOOKS = (10, 20, 50, 100)


def swap_records(floor: Path, share: float, seed: int) -> set[str]:
    """Names of the photos that got another one's record."""
    path = floor / "records.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    picked = random.Random(seed).sample(range(len(rows)), round(share * len(rows)))
    told = [{key: rows[i][key] for key in SWAPPED} for i in picked]
    for n, i in enumerate(picked):
        rows[i].update(told[(n + 1) % len(picked)])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    # Two photos may have said the same before.
    return {rows[i]["photo"] for n, i in enumerate(picked) if told[n] != told[(n + 1) % len(picked)]}


def measure(photos: int, share: float, seed: int, folder: Path) -> dict[str, Any]:
    """Build, review, count."""
    floor = folder / "floor"
    write_floor(floor, photos, seed=seed, progress=Silent())
    wrong = swap_records(floor, share, seed) if share else set()
    (folder / "home").mkdir()
    Pipeline(resolve(None, {}), folder / "home", Silent(), lambda: False).run(floor, "pairs")
    session = ReviewSession(open_stock(folder / "home" / "catalog.sqlite", floor), "who knows")
    stock = session.stock
    bad = {i for i, p in stock.pairs.items() if stock.photos[p.photo].name in wrong}
    called = [place.pair_id for place in stock.places if place.worth_doing]
    found: dict[str, Any] = {
        "seed": seed, "share": share, "pairs": len(stock.pairs), "wrong_pairs": len(bad),
        "wrong_photos": len({stock.pairs[i].photo for i in bad}),
        "worth": len(called), "worth_wrong": sum(i in bad for i in called),
    }  # fmt: skip
    pairs, seen = 0, set[str]()
    for look in range(1, max(LOOKS) + 1):
        item = session.current()
        if item is None:
            break
        hit = item.pair.pair_id in bad
        session.decide(item.pair.pair_id, "discard" if hit else "accept")
        pairs += hit
        seen |= {item.pair.photo} if hit else set()
        if look in LOOKS:
            expected = look * len(bad) / len(stock.pairs)
            found[f"after_{look}"] = {"pairs": pairs, "photos": len(seen), "at_random": round(expected, 1)}
    return found


def main() -> None:
    """One JSON object a floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=240)
    parser.add_argument("--share", type=float, nargs="+", default=[0.1, 0.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    for share in arguments.share:
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory(prefix="bench-review-") as name:
                print(json.dumps(measure(arguments.photos, share, seed, Path(name))), flush=True)


if __name__ == "__main__":
    main()
