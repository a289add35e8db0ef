"""A run's folder: config.toml run.json events.jsonl status.json control/ checkpoints/ adapter/ evaluation.json."""

import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from realign_edge.errors import MissingError, UsageError
from realign_edge.files import from_json, sync_folder, write_atomic, write_json
from realign_edge.runs.process import is_alive, process_mark

Request = Literal["stop", "pause"]
LATEST = "latest"
_STAMP = "%Y%m%d-%H%M%S"
# Set for a detached process: the file that takes its stdout and stderr.
LOG_VARIABLE = "REALIGN_EDGE_LOG"


@dataclass(frozen=True)
class Run:
    """One run. Its identity, what it is made from, is fixed when it is created."""

    folder: Path

    @property
    def run_id(self) -> str:
        """Name of the folder: date, time and the start of the identity."""
        return self.folder.name

    @property
    def about(self) -> dict[str, Any]:
        """run.json: identity, photo folder, model, versions."""
        return read_json(self.folder / "run.json")

    @property
    def status(self) -> dict[str, Any]:
        """The last heartbeat; {} before the first.

        state, stage, task, unit, done, total, rate, pid, process, time, log, error, hint: those that are known.
        """
        return read_json(self.folder / "status.json")

    @property
    def alive(self) -> bool:
        """Does a process work on this run now, or wait in it?"""
        status = self.status
        working = status.get("state") in ("running", "paused") and isinstance(status.get("pid"), int)
        return working and is_alive(status["pid"], str(status.get("process", "")))

    @property
    def state(self) -> str:
        """running, paused, stopped, finished, failed; `interrupted` where the process ended without a word."""
        told = str(self.status.get("state", "unknown"))
        return "interrupted" if told in ("running", "paused") and not self.alive else told

    @property
    def stages(self) -> dict[str, Any]:
        """Finished stages: name to {inputs, outputs}."""
        return read_json(self.folder / "stages.json")

    def finish_stage(self, name: str, inputs: str, outputs: dict[str, Any]) -> None:
        """Remember that a stage is done for these inputs."""
        write_json(self.folder / "stages.json", {**self.stages, name: {"inputs": inputs, "outputs": outputs}})

    def finished_stage(self, name: str, inputs: str) -> dict[str, Any] | None:
        """Outputs of a stage that is done for exactly these inputs, else None."""
        stage = self.stages.get(name)
        return stage["outputs"] if stage and stage["inputs"] == inputs else None

    def heartbeat(self, **values: Any) -> None:
        """Replace status.json. `log` is where this process writes, if it was told to write into a file."""
        me = {"pid": os.getpid(), "process": process_mark(os.getpid()), "time": time.time()}
        log = {"log": os.environ[LOG_VARIABLE]} if os.environ.get(LOG_VARIABLE) else {}
        write_json(self.folder / "status.json", {**values, **log, **me})

    def turn(self, state: str, **more: Any) -> None:
        """A heartbeat with another state at the same place in the work."""
        place = {k: v for k, v in self.status.items() if k in ("stage", "task", "unit", "done", "total")}
        self.heartbeat(state=state, **place, **more)

    def begin(self) -> None:
        """A process starts to work on this run: what was asked of an earlier one is void, its leftovers go.

        Without this, a run that was paused and then killed would wait for ever when it is taken up again.
        """
        self.clear("stop")
        self.clear("pause")
        self.sweep()

    def sweep(self) -> None:
        """Remove what a write that failed or was killed left behind; for the process that holds the work lock."""
        for left in [*self.folder.glob(".*.tmp"), *self.folder.glob("checkpoints/.*.tmp")]:
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)

    def request(self, what: Request) -> None:
        """Ask the process that works on this run to stop or to pause."""
        (self.folder / "control").mkdir(exist_ok=True)
        write_atomic(self.folder / "control" / what, "")

    def requested(self, what: Request) -> bool:
        """Has this been asked for?"""
        return (self.folder / "control" / what).exists()

    def clear(self, what: Request) -> None:
        """The request was met, or taken back."""
        (self.folder / "control" / what).unlink(missing_ok=True)


def create_run(runs: Path, identity: str, about: dict[str, Any], config: str, now: datetime) -> Run:
    """Make a run's folder, whole or not at all; one without run.json is no run."""
    name = f"{_stamp(runs, now)}-{identity[:4]}"
    beside = _beside(runs / name)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        write_atomic(beside / "config.toml", config)
        write_json(beside / "run.json", {**about, "identity": identity, "created": now.isoformat(timespec="seconds")})
        folder = _put(beside, runs / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    _point_latest(runs)
    return Run(folder)


def _stamp(runs: Path, now: datetime) -> str:
    """The time, or a second after the newest run where the clock went back: by their names the newest runs are kept."""
    newest = "".join(r.run_id[: len("20261126-030000")] for r in list_runs(runs)[-1:])
    stamp = now.strftime(_STAMP)
    if newest <= stamp:
        return stamp
    try:
        return (datetime.strptime(newest, _STAMP) + timedelta(seconds=1)).strftime(_STAMP)
    except ValueError:
        return stamp


def _beside(folder: Path) -> Path:
    """Where a folder lies before it is there, and once it is gone; runs/leftovers.py takes away what stays."""
    return folder.with_name(f".{folder.name}.{os.getpid()}.tmp")


def _put(beside: Path, wanted: Path) -> Path:
    """Rename a folder to this name, or to one with -2, -3 behind it where the name is taken."""
    folder, count = wanted, 1
    while True:
        try:
            beside.rename(folder)
            sync_folder(folder.parent)
            return folder
        except OSError:
            if not os.path.lexists(folder):
                raise
        count += 1
        folder = wanted.with_name(f"{wanted.name}-{count}")


def _point_latest(runs: Path) -> None:
    """`runs/latest` is a link for people; nothing of ours reads it, so a file system without links is no failure."""
    known = list_runs(runs)
    beside = runs / f".{LATEST}.{os.getpid()}.tmp"
    with contextlib.suppress(OSError):
        if known:
            beside.symlink_to(known[-1].run_id)
            beside.replace(runs / LATEST)
        else:
            (runs / LATEST).unlink()


def list_runs(runs: Path) -> list[Run]:
    """Every run, oldest first."""
    return [Run(p.parent) for p in sorted(runs.glob("*/run.json")) if not p.parent.is_symlink()]


def find_run(runs: Path, name: str) -> Run:
    """A run by its name, by the start of its name, or `latest`.

    Raises:
        MissingError: there is none.
        UsageError: several fit.
    """
    known = list_runs(runs)
    if name == LATEST and known:
        return known[-1]
    exact = [r for r in known if r.run_id == name]
    fitting = exact or [r for r in known if r.run_id.startswith(name)]
    if len(fitting) > 1:
        raise UsageError(f"`{name}` fits {len(fitting)} runs", "name one: " + ", ".join(r.run_id for r in fitting))
    if not fitting:
        shown = ", ".join(r.run_id for r in known[-5:]) or "there are none yet"
        raise MissingError(f"no run `{name}`", f"known runs: {shown}")
    return fitting[0]


def find_live(runs: Path, name: str) -> Run:
    """As `find_run`, but `latest` is the run that is going on, if one is: an older one may have been taken up again.

    Raises:
        MissingError: there is none.
        UsageError: several fit.
    """
    live = [r for r in list_runs(runs) if r.alive] if name == LATEST else []
    return live[-1] if live else find_run(runs, name)


def remove_run(run: Run) -> None:
    """Delete a run's folder; it is out of the way in one step, so that an interrupted removal leaves no half run."""
    _remove_log(run)
    hidden = _beside(run.folder)
    run.folder.rename(hidden)
    shutil.rmtree(hidden)
    _point_latest(run.folder.parent)


def _remove_log(run: Run) -> None:
    """The log of a detached run; a file that lies anywhere else is not ours to delete."""
    log = Path(str(run.status.get("log", "")))
    if log.parent == run.folder.parent.parent / "logs":
        log.unlink(missing_ok=True)


def read_json(path: Path, most: int | None = None) -> dict[str, Any]:
    """The object in a file; {} where it is not there, is none, or has more than `most` bytes."""
    try:
        if most is not None and path.stat().st_size > most:
            return {}
        value = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
