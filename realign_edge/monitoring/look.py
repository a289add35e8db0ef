"""Watching a run as it is now: its events, its heartbeat, its checkpoints, and the machine that it runs on."""

from pathlib import Path
from typing import Literal

from realign_edge.monitoring.decision import Decision, read_decision
from realign_edge.monitoring.logfile import LogFile
from realign_edge.monitoring.machine import MachineReader
from realign_edge.monitoring.model import Looking, RunView, Told
from realign_edge.monitoring.replay import Replay
from realign_edge.monitoring.story import Story
from realign_edge.monitoring.tail import Read, Tail
from realign_edge.monitoring.view import Around, view_of
from realign_edge.monitoring.words import percent, sentence, told
from realign_edge.runs.figures import newest_checkpoint
from realign_edge.runs.run import Run

_GIB = 2**30
# What befell the file is told for so long.
_TROUBLE_S = 60.0


def looking(run: Run, speed: float | None = None) -> Looking:
    """What shows a run: as it is, or played again `speed` times as fast as it was."""
    return Watcher(run) if speed is None else Replay(run, speed)


class Watcher:
    """One look after another; memory does not grow with the run."""

    def __init__(self, run: Run, machine: MachineReader | None = None) -> None:
        self._run, self._machine = run, machine or MachineReader(run.folder)
        self._tail, self._story, self._log = Tail(run.folder / "events.jsonl"), Story(), LogFile()
        self._trouble: tuple[float, Told] | None = None
        self._about: dict[str, object] = {}
        self._decided: tuple[int, Decision | None] = (-1, None)
        self._pinned = ""
        self._view: RunView | None = None

    def look(self, now: float) -> RunView:
        """All that is known; now: seconds since the epoch."""
        read = self._tail.read()
        if read.anew:
            self._story = Story()
            self._trouble = (now, told(f"problem.{read.trouble}"))
        for event in read.events:
            self._story.take(event)
        try:
            around = self._around(read, now)
        except OSError as problem:
            # A share that went away, a folder that may no longer be read.
            words = told("problem.folder", reason=sentence(problem.strerror or str(problem)))
            around = Around(self._run.run_id, self._about, "gone", pinned=self._pinned, problems=(words,))
        self._view = view_of(self._story, around, now)
        return self._view

    def step_sample(self, by: int = 1) -> None:
        """The sample of another photo; once stepped, it stays with that photo."""
        if self._view is not None and self._view.sample is not None:
            self._pinned = self._story.samples.beside(self._view.sample, by)

    def _around(self, read: Read, now: float) -> Around:
        run, status = self._run, self._run.status
        self._about = run.about or self._about
        state = run.state if (run.folder / "run.json").exists() else "gone"
        pid = status.get("pid")
        alive = state in ("running", "paused")
        step, saved_at = newest_checkpoint(run)
        return Around(
            run.run_id,
            self._about,
            state,
            status,
            machine=self._machine.read(pid if alive and isinstance(pid, int) else None),
            checkpoint_step=step,
            checkpoint_at=saved_at,
            checkpoint_gib=_checkpoint_gib(run.folder, step),
            decision=self._decision() if state == "finished" else None,
            asked=_asked(run) if alive else "",
            pinned=self._pinned,
            log=self._log.tail(str(status.get("log") or "")),
            problems=self._problems(read, now),
        )

    def _problems(self, read: Read, now: float) -> tuple[Told, ...]:
        found = []
        if read.trouble in ("missing", "unreadable"):
            found.append(told(f"problem.{read.trouble}", reason=sentence(read.reason)))
        if self._trouble is not None and now - self._trouble[0] < _TROUBLE_S:
            found.append(self._trouble[1])
        if self._tail.unreadable:
            found.append(told("problem.lines", n=self._tail.unreadable))
        if read.behind:
            found.append(told("problem.behind", share=percent(1 - read.behind)))
        elif read.sampled:
            found.append(told("problem.sampled"))
        return tuple(found)

    def _decision(self) -> Decision | None:
        path = self._run.folder / "evaluation.json"
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        if changed != self._decided[0]:
            self._decided = (changed, read_decision(path))
        return self._decided[1]


def _asked(run: Run) -> Literal["", "stop", "pause"]:
    """What was asked for and has not come yet."""
    if run.requested("stop"):
        return "stop"
    return "pause" if run.requested("pause") and run.state == "running" else ""


def _checkpoint_gib(folder: Path, step: int | None) -> float:
    if step is None:
        return 0.0
    try:
        return (folder / "checkpoints" / f"step-{step:07d}.safetensors").stat().st_size / _GIB
    except OSError:
        return 0.0
