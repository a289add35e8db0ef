"""One lap: a new state folder through all stages, each killed several times, then compared with a calm lap."""

import random
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.child import Aim, Ended, run
from benchmarks.appliance_storm.judge import outcome, problems_now, strays
from benchmarks.appliance_storm.stages import GOOD, Place, Stage, stages
from benchmarks.watch_feed import renumbered

# Of the kills, these shares come just before a write, just after one, and at any time.
AT, AFTER = 0.4, 0.3
# A write that is hit is over within this time.
SOON_S = 0.004


@dataclass
class Lap:
    """What happened. kills: by stage; aims: by kind; ended: commands that were done before their kill."""

    kills: Counter[str] = field(default_factory=Counter)
    aims: Counter[str] = field(default_factory=Counter)
    ended: int = 0
    restarts: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Calm:
    """A stage that nobody disturbed: what it came to, its writes and seconds."""

    outcome: Mapping[str, Any]
    writes: int
    seconds: float


def prepare(place: Place, photos: list[bytes]) -> None:
    """A new root, with photos that wait to be inspected."""
    shutil.rmtree(place.root, ignore_errors=True)
    for folder in (place.home, place.incoming):
        folder.mkdir(parents=True)
    for number, data in enumerate(photos):
        (place.incoming / f"{number:03d}.jpg").write_bytes(renumbered(data, number))


def calm(place: Place) -> dict[str, Calm]:
    """Every stage once, undisturbed."""
    found = {}
    for stage in stages(place):
        ended = _run(place, stage)
        if ended.code not in GOOD:
            raise SystemExit(f"{stage.name} ended with {ended.code}, undisturbed: see {_log(place)}")
        found[stage.name] = Calm(outcome(stage.name, place), ended.writes, ended.seconds)
    return found


def storm(place: Place, usual: Mapping[str, Calm], rng: random.Random) -> Lap:
    """Every stage, killed as often as it says, and then left to its end."""
    lap = Lap()
    for stage in stages(place):
        before = place.root.with_name(f"{place.root.name}.before")
        _copy(place.root, before)
        while lap.kills[stage.name] < stage.kills:
            aim = _aim(usual[stage.name], rng)
            ended = _run(place, stage, aim)
            if ended.code is not None:
                # Done before it could be killed: judged, and done again from before the stage.
                lap.ended += 1
                _judge(place, stage, ended, usual, lap)
                _copy(before, place.root)
                continue
            lap.kills[stage.name] += 1
            lap.aims[aim.kind] += 1
            lap.problems += [f"{stage.name}, {aim}: {what}" for what in problems_now(place)]
        ended = _run(place, stage)
        lap.restarts += 1
        _judge(place, stage, ended, usual, lap)
    _last(place, lap)
    return lap


def _judge(place: Place, stage: Stage, ended: Ended, usual: Mapping[str, Calm], lap: Lap) -> None:
    if ended.code not in GOOD:
        lap.problems.append(f"{stage.name}: the restart ended with {ended.code}, see {_log(place)}")
        return
    found = outcome(stage.name, place)
    for name, wanted in usual[stage.name].outcome.items():
        if found[name] != wanted:
            lap.problems.append(f"{stage.name}: {name} is not as undisturbed{_where(found[name], wanted)}")


def _where(found: Any, wanted: Any) -> str:
    """Which files differ, where it is about files."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return f": {found} for {wanted}"[:200]
    return ": " + ", ".join(sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))[:5])


def _last(place: Place, lap: Lap) -> None:
    """The upkeep of the night after: nothing half-written stays."""
    (upkeep,) = (s for s in stages(place) if s.name == "maintain")
    _run(place, upkeep)
    lap.problems += [f"left behind: {name}" for name in strays(place)]


def _aim(usual: Calm, rng: random.Random) -> Aim:
    kind = rng.random()
    if kind < AT + AFTER:
        n = rng.randint(1, max(1, usual.writes))
        return Aim("at", n) if kind < AT else Aim("after", n, rng.uniform(0.0, SOON_S))
    return Aim("time", 0, rng.uniform(0.0, usual.seconds))


def _run(place: Place, stage: Stage, aim: Aim | None = None) -> Ended:
    environment = {"REALIGN_EDGE_HOME": str(place.home), "REALIGN_EDGE_CONFIG": str(place.appliance)}
    enough = (lambda: not any(p.is_file() for p in place.incoming.iterdir())) if stage.watching else None
    return run(stage.words, environment, place.root, _log(place), aim, enough)


def _log(place: Place) -> Path:
    return place.root.with_name(f"{place.root.name}.log")


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
