"""`kill -9` all over the appliance: `python -m benchmarks.appliance_storm`.

Laps of fifty kills, spread over index, pairs, training, evaluation, export, install, inspect, report, maintain and
restore, aimed before, into and after writes and at random moments. After each kill the databases must be whole and no
file torn, what has the name of a backup, bundle or run must be one, and no photo be lost or doubled (at_once.py); each
command, started again, must come to its end, and to the same as without a kill: the same features, pairs, adapter,
evaluation and bundle byte for byte, the same verdicts once each, whole reports and backups, nothing half-written left.

With --work the laps that are done are kept there, and the same command goes on with the next one. A lap that was
stopped does not count. A killed process leaves the kernel's buffers alone: this is no power cut.

With --plant a mistake (plants.py) is put into a copy of the product, and the stage that it is in is killed until the
storm complains: it must, or it would not notice the same mistake made in earnest.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.forks import load_libraries, made
from benchmarks.appliance_storm.lap import Calm, calm, prepare, storm
from benchmarks.appliance_storm.planted import MOST, chosen, failures, planted_storms
from realign_edge.files import write_json


def laps_until(kills: int, seed: int, work: Path, minutes: float) -> dict[str, Any]:
    """Lap after lap until there are enough kills, or the time is over; the sum of all that were kept."""
    place, photos = made(work)
    load_libraries(work)
    prepare(place, photos)
    usual, began = calm(place), time.monotonic()
    while (total := _sum(work, seed))["kills"] < kills and time.monotonic() - began < minutes * 60:
        number, started = total["laps"], time.monotonic()
        prepare(place, photos)
        lap = storm(place, usual, random.Random(f"{seed}-{number}"))
        write_json(_kept(work, seed, number), {**vars(lap), "seconds": round(time.monotonic() - started, 1)})
        print(f"lap {number}: {lap.kills.total()} kills, {len(lap.problems)} problems", file=sys.stderr, flush=True)
    return {**_sum(work, seed), "undisturbed": _shown(usual)}


def _kept(work: Path, seed: int, number: int) -> Path:
    return work / f"lap-{seed}-{number:04d}.json"


def _sum(work: Path, seed: int) -> dict[str, Any]:
    laps = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(work.glob(f"lap-{seed}-*.json"))]
    stages, aims = Counter[str](), Counter[str]()
    for lap in laps:
        stages.update(lap["kills"])
        aims.update(lap["aims"])
    return {
        "laps": len(laps),
        "kills": stages.total(),
        "by stage": dict(stages),
        "by aim": dict(aims),
        "ended before the kill": sum(lap["ended"] for lap in laps),
        "problems": [problem for lap in laps for problem in lap["problems"]],
        "seconds": round(sum(lap["seconds"] for lap in laps)),
    }


def _shown(usual: dict[str, Calm]) -> dict[str, Any]:
    return {name: {"writes": stage.writes, "seconds": round(stage.seconds, 2)} for name, stage in usual.items()}


def main() -> None:
    """Storm, and print what came of it as one JSON object, or as a list of the plants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, help=f"1,000; with --plant {MOST} a plant at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="where what is done is kept, so that it need not be done again")
    parser.add_argument("--minutes", type=float, default=1e9, help="no further lap after so many")
    parser.add_argument("--plant", metavar="NAME", help="a planted mistake, or all of them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="appliance-storm-") as name:
        work = (given.work or Path(name)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        if given.plant:
            found = list(planted_storms(chosen(given.plant), work, given.kills or MOST, given.seed))
            report: dict[str, Any] = {"plants": found}
            wrong = failures(found)
        else:
            report = laps_until(given.kills or 1000, given.seed, work, given.minutes)
            wrong = report["problems"]
    print(json.dumps(report, ensure_ascii=False))
    if wrong:
        raise SystemExit("not as it must be")


if __name__ == "__main__":
    main()
