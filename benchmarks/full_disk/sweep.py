"""One command of the day on a disk that is full at each of its writes, and then once more with room."""

import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.appliance_storm.child import run
from benchmarks.appliance_storm.stages import GOOD, Place
from benchmarks.full_disk.day import Step, typed_file
from benchmarks.full_disk.judge import unfinished, wrong
from benchmarks.full_disk.outcomes import as_kept, outcome, remember_key
from benchmarks.full_disk.room import Disk, Kind, Trace

# A watcher that has had nothing to say for so long has nothing left that it can do.
_QUIET_S = 4.0


@dataclass
class Swept:
    """full: commands that failed; well: that came to the same end without the room; problems: all that was wrong."""

    full: int = 0
    well: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """Where commands are run. work: outside the small disk."""

    place: Place
    disk: Disk
    work: Path

    def run(self, step: Step, trace: Trace | None = None) -> tuple[int | None, str]:
        """Exit code and words."""
        log = self.work / "words.log"
        log.unlink(missing_ok=True)
        places = {"REALIGN_EDGE_HOME": str(self.place.home), "REALIGN_EDGE_CONFIG": str(self.place.appliance)}
        environment = {**places, "LANG": "C.UTF-8"}
        enough = (lambda: self._idle(log)) if step.watching else None
        note = trace.note if trace is not None else lambda: None
        typed = typed_file(self.work, step)
        code = run(step.words, environment, self.place.root, log, None, enough, note, typed).code
        return code, log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def _idle(self, log: Path) -> bool:
        if not any(p.is_file() for p in self.place.incoming.iterdir()):
            return True
        return log.exists() and time.time() - log.stat().st_mtime > _QUIET_S and log.stat().st_size > 0

    def put_back(self, before: Path) -> None:
        """The root as it was before the command."""
        remove(self.place.root)
        shutil.copytree(before, self.place.root, symlinks=True)


def sweep(bench: Bench, step: Step, kind: Kind, free: list[int], before: Path, usual: Any) -> Swept:
    """Run it with so much room, one after another."""
    done = Swept()
    for room in free:
        bench.put_back(before)
        remember_key(bench.place)
        with bench.disk.narrow(kind, room):
            code, words = bench.run(step)
            # Before there is room again: a process that is gone cannot clean up later.
            well = code in GOOD
            problems = [] if well else wrong(bench.place, before, step, code, words)
        problems += _as_usual(bench, step, usual, well)
        done.full, done.well = done.full + (not well), done.well + well
        done.problems += [f"{step.name}, {room} {kind} free: {p}" for p in problems]
    print(f"{step.name}, {kind}: {done.full} times full, {len(done.problems)} problems", file=sys.stderr, flush=True)
    return done


def _as_usual(bench: Bench, step: Step, usual: Any, well: bool) -> list[str]:
    """With room, to the same end as if nothing had happened; what went well must have come to it already."""
    if not well or step.watching:
        code, words = bench.run(step)
        if code not in GOOD:
            return [f"again: exit code {code}: {words[-300:]}"]
    try:
        now = as_kept(outcome(step.name, bench.place))
    except Exception as problem:
        return [f"again: it came to nothing: {type(problem).__name__}: {problem}"]
    found = [f"again: {u}" for u in unfinished(bench.place)]
    for name, wanted in usual.items():
        if now[name] != wanted and name not in step.forgiven:
            found.append(f"again: {name} is not as undisturbed: {str(now[name])[:150]} for {str(wanted)[:150]}")
    return found


def remove(folder: Path) -> None:
    """Also what is read-only."""
    shutil.rmtree(folder, ignore_errors=True)
