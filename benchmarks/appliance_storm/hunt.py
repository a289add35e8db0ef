"""How many kills it takes until a planted mistake is noticed; runs in a copy of the tree that has the mistake in it."""

import json
import random
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import realign_edge
from benchmarks.appliance_storm.forks import load_libraries, place_in
from benchmarks.appliance_storm.lap import Calm, Lap, copy, undisturbed, upkeep, weather
from benchmarks.appliance_storm.plants import NAMED
from benchmarks.appliance_storm.stages import stages


@dataclass(frozen=True, slots=True)
class Hunt:
    """calm: what was complained about without a kill; kills: until the first complaint, or all; complaint: or ""."""

    calm: tuple[str, ...]
    kills: int
    complaint: str


def hunt(work: Path, name: str, most: int, seed: int) -> Hunt:
    """Kill the plant's stage again and again, from what a calm lap left before it, as a storm does."""
    place = place_in(work)
    (stage,) = (s for s in stages(place) if s.name == NAMED[name].stage)
    usual = Calm(**json.loads((work / "usual.json").read_text(encoding="utf-8"))[stage.name])
    before, lap, rng = work / "stages" / stage.name, Lap(), random.Random(f"{seed}-{name}")
    copy(before, place.root)
    usual = undisturbed(place, stage, usual, lap)
    if lap.problems:
        return Hunt(tuple(lap.problems), 0, "")
    while lap.kills.total() < most and not lap.problems:
        copy(before, place.root)
        weather(place, stage, usual, rng, lap, first=True)
        if not lap.problems:
            upkeep(place, lap)
    return Hunt((), lap.kills.total(), lap.problems[0] if lap.problems else "")


def main() -> None:
    """`hunt WORK NAME MOST SEED`, in the folder of the planted tree."""
    work, name, most, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if not Path(realign_edge.__file__).is_relative_to(Path.cwd()):
        raise SystemExit(f"{realign_edge.__file__} is not the planted one")
    load_libraries(work)
    print(json.dumps(asdict(hunt(work, name, most, seed)), ensure_ascii=False))


if __name__ == "__main__":
    main()
