"""Does the storm notice? Each planted mistake in a copy of the tree, and a short storm at the stage that it is in."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.forks import load_libraries, made
from benchmarks.appliance_storm.lap import calm, prepare
from benchmarks.appliance_storm.plants import NAMED, PLANTS, Plant, plant
from realign_edge.files import write_json

_ROOT = Path(__file__).resolve().parents[2]
# A planted mistake that is to be noticed gets at most so many kills.
MOST = 200
# One that no kill can show gets so many.
FEW = 30


def chosen(name: str) -> tuple[Plant, ...]:
    """One by its name, or all.

    Raises:
        SystemExit: there is none of this name.
    """
    if name == "all":
        return PLANTS
    if name not in NAMED:
        raise SystemExit(f"no plant `{name}`; there are: {', '.join(NAMED)}")
    return (NAMED[name],)


def planted_storms(plants: Sequence[Plant], work: Path, most: int, seed: int) -> Iterator[dict[str, Any]]:
    """What became of each; those that are kept in `work` are not done again."""
    _calm(work)
    for one in plants:
        kept = work / f"plant-{seed}-{one.name}.json"
        if not kept.exists():
            write_json(kept, _storm(one, work, most if not one.unseen else min(most, FEW), seed))
        found = json.loads(kept.read_text(encoding="utf-8"))
        print(_line(one, found), file=sys.stderr, flush=True)
        yield {"plant": one.name, "stage": one.stage, "what": one.what, "unseen": one.unseen, **found}


def failures(found: Sequence[dict[str, Any]]) -> list[str]:
    """Those that are no proof: they show without a kill, are not noticed, or are noticed though they cannot be."""
    return [f["plant"] for f in found if f["calm"] or bool(f["complaint"]) == bool(f["unseen"])]


def _calm(work: Path) -> None:
    """The right product, undisturbed: what each stage comes to, and what lies there before it."""
    place, photos = made(work)
    if not (work / "usual.json").exists():
        load_libraries(work)
        prepare(place, photos)
        usual = calm(place, work / "stages")
        write_json(work / "usual.json", {name: asdict(stage) for name, stage in usual.items()})


def _storm(one: Plant, work: Path, most: int, seed: int) -> Any:
    tree = work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    shutil.copytree(_ROOT / "realign_edge", tree / "realign_edge", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("benchmarks", "models", "tui"):
        (tree / name).symlink_to(_ROOT / name)
    plant(tree, one)
    words = ["-W", "ignore", "-m", "benchmarks.appliance_storm.hunt", str(work), one.name, str(most), str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    run = subprocess.run([sys.executable, *words], cwd=tree, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


def _line(one: Plant, found: dict[str, Any]) -> str:
    if found["calm"]:
        return f"{one.name}: shows without a kill: {found['calm'][0]}"
    seen = f"noticed after {found['kills']} kills: {found['complaint']}"
    return f"{one.name}: {seen if found['complaint'] else 'not noticed in ' + str(found['kills']) + ' kills'}"
