"""Model, shop floor and photos of a storm, and a process that has all libraries loaded before it forks."""

import importlib
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from benchmarks.appliance_storm.lap import prepare
from benchmarks.appliance_storm.stages import APPLIANCE, SETTINGS, Place, stages
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
    return place_in(work), floor_photos(work / "photos", PHOTOS, size=96)


def place_in(work: Path) -> Place:
    """Where a lap works."""
    return Place(work / "lap" / "root", work / "floor", work / "config.toml", work / "appliance.toml")


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


def load_libraries(work: Path) -> None:
    """Import here what an undisturbed lap imports, so that it is there in every fork."""
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    for name in LIBRARIES:
        importlib.import_module(name)
    listed = work / "modules.json"
    if not listed.exists():
        place, photos = made(work)
        prepare(place, photos)
        _learn(place, listed)
    for name in json.loads(listed.read_text(encoding="utf-8")):
        with suppress(Exception):
            importlib.import_module(name)


def _learn(place: Place, listed: Path) -> None:
    """A child runs all stages in a row, and writes down what it has imported."""
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
