"""One lap: a new state folder through all stages, each killed several times, then compared with a calm lap."""

import random
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.at_once import problems_now, strays
from benchmarks.appliance_storm.child import Aim, Ended, run
from benchmarks.appliance_storm.judge import differences, outcome
from benchmarks.appliance_storm.stages import GOOD, Place, Stage, stages
from benchmarks.watch_feed import renumbered

# Of the kills, these shares come just before a write, just after one, and in the middle of one; the others at any time.
AT, AFTER, HALF = 0.35, 0.2, 0.2
# A write that is hit is over within this time.
SOON_S = 0.004
# A file that is cut short has at most 2 to the power of this bytes; the short ones are the more frequent.
LONGEST = 14


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


def calm(place: Place, before: Path | None = None) -> dict[str, Calm]:
    """Every stage once, undisturbed. before: where the state before each of them is kept, under its name."""
    found = {}
    for stage in stages(place):
        if before is not None:
            copy(place.root, before / stage.name)
        ended = _run(place, stage)
        if ended.code not in GOOD:
            raise SystemExit(f"{stage.name} ended with {ended.code}, undisturbed: see {_log(place)}")
        found[stage.name] = Calm(outcome(stage.name, place), ended.writes, ended.seconds)
    return found


def storm(place: Place, usual: Mapping[str, Calm], rng: random.Random) -> Lap:
    """Every stage, killed as often as it says, and then left to its end."""
    lap = Lap()
    for stage in stages(place):
        weather(place, stage, usual[stage.name], rng, lap)
    upkeep(place, lap)
    return lap


def weather(place: Place, stage: Stage, usual: Calm, rng: random.Random, lap: Lap, first: bool = False) -> None:
    """One stage, killed as often as it says, and then left to its end. first: the first complaint is the end."""
    before, wanted = place.root.with_name(f"{place.root.name}.before"), lap.kills[stage.name] + stage.kills
    copy(place.root, before)
    while lap.kills[stage.name] < wanted:
        aim = _aim(usual, rng)
        ended = _run(place, stage, aim)
        if ended.code is not None:
            # Done before it could be killed: judged, and done again from before the stage.
            lap.ended += 1
            _judge(place, stage, ended, usual, lap)
            copy(before, place.root)
        else:
            lap.kills[stage.name] += 1
            lap.aims[aim.kind] += 1
            lap.problems += [f"{stage.name}, {aim}: {what}" for what in problems_now(place)]
        if first and lap.problems:
            return
    ended = _run(place, stage)
    lap.restarts += 1
    _judge(place, stage, ended, usual, lap)


def undisturbed(place: Place, stage: Stage, usual: Calm, lap: Lap) -> Calm:
    """A stage from here to its end, judged: what it comes to, and how many writes and seconds it takes now."""
    ended = _run(place, stage)
    _judge(place, stage, ended, usual, lap)
    return Calm(usual.outcome, ended.writes, ended.seconds)


def upkeep(place: Place, lap: Lap) -> None:
    """That of the night after: nothing half-written stays, and what is whole stays so."""
    (night,) = (s for s in stages(place) if s.name == "maintain")
    _run(place, night)
    lap.problems += [f"left behind: {name}" for name in strays(place)]
    lap.problems += [f"after the upkeep: {what}" for what in problems_now(place)]


def _judge(place: Place, stage: Stage, ended: Ended, usual: Calm, lap: Lap) -> None:
    if ended.code not in GOOD:
        lap.problems.append(f"{stage.name}: the restart ended with {ended.code}, see {_log(place)}")
        return
    lap.problems += [f"{stage.name}: {what}" for what in differences(stage.name, place, usual.outcome)]


def _aim(usual: Calm, rng: random.Random) -> Aim:
    kind, n = rng.random(), rng.randint(1, max(1, usual.writes))
    if kind < AT:
        return Aim("at", n)
    if kind < AT + AFTER:
        return Aim("after", n, rng.uniform(0.0, SOON_S))
    if kind < AT + AFTER + HALF:
        return Aim("half", n, size=round(2 ** rng.uniform(0.0, LONGEST)))
    return Aim("time", 0, rng.uniform(0.0, usual.seconds))


def _run(place: Place, stage: Stage, aim: Aim | None = None) -> Ended:
    environment = {"REALIGN_EDGE_HOME": str(place.home), "REALIGN_EDGE_CONFIG": str(place.appliance)}
    enough = (lambda: not any(p.is_file() for p in place.incoming.iterdir())) if stage.watching else None
    return run(stage.words, environment, place.root, _log(place), aim, enough)


def _log(place: Place) -> Path:
    return place.root.with_name(f"{place.root.name}.log")


def copy(source: Path, target: Path) -> None:
    """What was there goes."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
