"""`kill -9` all over the appliance: `python -m benchmarks.appliance_storm`.

Laps of fifty kills, spread over index, pairs, training, evaluation, export, install, inspect, report, maintain and
restore, aimed at writes and at random moments. After each kill both databases must be whole and no file torn; each
command, started again, must come to its end, and to the same as without a kill: the same features, pairs, adapter,
evaluation and bundle byte for byte, the same verdicts once each, whole reports and backups, nothing half-written left.

With --work the laps that are done are kept there, and the same command goes on with the next one. A lap that was
stopped does not count. A killed process leaves the kernel's buffers alone: this is no power cut.
"""

import argparse
import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.lap import Calm, calm, prepare, storm
from benchmarks.appliance_storm.stages import APPLIANCE, SETTINGS, Place
from benchmarks.watch_feed import floor_photos
from realign_edge.files import write_json

# Photos that wait to be inspected.
PHOTOS = 12
# Loaded before the first fork, so that no command spends its time on it.
LIBRARIES = ("torch", "transformers", "peft", "onnx", "onnxruntime", "hnswlib", "realign_edge.cli.main")


def made(work: Path) -> tuple[Place, list[bytes]]:
    """Model, shop floor, configuration and photos, the same for every lap."""
    model, floor, config, appliance = work / "tiny", work / "floor", work / "config.toml", work / "appliance.toml"
    if not (work / "made").exists():
        _write_model(model)
        from realign_edge.progress import Silent
        from realign_edge.shopfloor.floor import write_floor

        write_floor(floor, 12, seed=3, size=96, progress=Silent())
        config.write_text(SETTINGS.format(model=model), encoding="utf-8")
        appliance.write_text(APPLIANCE.format(model=model, floor=floor), encoding="utf-8")
        (work / "made").touch()
    place = Place(work / "lap" / "root", floor, config, appliance)
    return place, floor_photos(work / "photos", PHOTOS, size=96)


def _write_model(folder: Path) -> None:
    """The embedded model's architecture with 2 + 2 layers and random weights, as the tests have it; in a process of
    its own, since a library that has computed is not forked."""
    code = (
        "import sys, torch\n"
        "from realign_edge.nano.architecture import build_model, build_processor\n"
        "from realign_edge.nano.recipe import tokenizer_texts\n"
        "processor = build_processor(tokenizer_texts(0, scenes=60))\n"
        "model = build_model(processor, seed=0, tower_layers=2, decoder_layers=2)\n"
        "with torch.no_grad():\n"
        "    for name, parameter in model.model.language_model.named_parameters():\n"
        "        parameter.mul_(3 if 'proj' in name else 1)\n"
        "processor.save_pretrained(sys.argv[1]); model.save_pretrained(sys.argv[1])\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True)


def load_libraries(work: Path, place: Place, photos: list[bytes]) -> None:
    """Import here what an undisturbed lap imports, so that it is there in every fork."""
    for name in LIBRARIES:
        importlib.import_module(name)
    listed = work / "modules.json"
    if not listed.exists():
        prepare(place, photos)
        _learn(place, listed)
    for name in json.loads(listed.read_text(encoding="utf-8")):
        with suppress(Exception):
            importlib.import_module(name)


def _learn(place: Place, listed: Path) -> None:
    """A child runs all stages in a row, and writes down what it has imported."""
    from benchmarks.appliance_storm.stages import stages

    names: set[str] = set()
    for stage in stages(place):
        if not stage.watching:
            words = [sys.executable, "-c", _TELLING, str(listed), *stage.words]
            environment = {"REALIGN_EDGE_HOME": str(place.home), "REALIGN_EDGE_CONFIG": str(place.appliance)}
            subprocess.run(words, check=False, env={**os.environ, **environment}, capture_output=True)
            names |= set(json.loads(listed.read_text(encoding="utf-8")))
    write_json(listed, sorted(names))


_TELLING = """
import json, sys
place, sys.argv = sys.argv[1], ["realign-edge", *sys.argv[2:]]
from realign_edge.cli.main import main
try:
    main()
except SystemExit:
    pass
json.dump([n for n in sys.modules if n != "__main__"], open(place, "w"))
"""


def laps_until(kills: int, seed: int, work: Path, minutes: float) -> dict[str, Any]:
    """Lap after lap until there are enough kills, or the time is over; the sum of all that were kept."""
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    place, photos = made(work)
    load_libraries(work, place, photos)
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
    """Storm, and print the sum as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="where finished laps are kept, so that they need not be done again")
    parser.add_argument("--minutes", type=float, default=1e9, help="no further lap after so many")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="appliance-storm-") as name:
        work = (given.work or Path(name)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        report = laps_until(given.kills, given.seed, work, given.minutes)
    print(json.dumps(report, ensure_ascii=False))
    if report["problems"]:
        raise SystemExit("not as it must be")


if __name__ == "__main__":
    main()
