"""What the list says of a run, read from its folder; read again only when its files have changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.errors import RealignError
from realign_edge.monitoring.decision import Decision, read_decision
from realign_edge.photos.text import clean
from realign_edge.runs.run import Run, list_runs

Stamp = tuple[int, ...]
_FILES = ("run.json", "status.json", "evaluation.json")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. created: local time as the run wrote it, "2026-11-26 01:32"; language: en, ja, or "";
    error and hint: why it failed, and what to do."""

    run: Run
    state: str
    model: str
    photos: str
    language: str
    created: str
    decision: Decision | None
    error: str
    hint: str

    @property
    def run_id(self) -> str:
        """Its name."""
        return self.run.run_id


def read_row(run: Run) -> RunRow:
    """What its files say now; what they do not say is empty."""
    about, status = run.about, run.status
    inputs: Any = about.get("inputs")
    return RunRow(
        run,
        run.state,
        clean(about.get("model")),
        clean(about.get("photos")),
        _language(clean(inputs.get("setting language") if isinstance(inputs, dict) else ""), about),
        clean(about.get("created"))[:16].replace("T", " "),
        read_decision(run.folder / "evaluation.json"),
        clean(status.get("error"))[:1000],
        clean(status.get("hint"))[:1000],
    )


def _language(setting: str, about: dict[str, Any]) -> str:
    """The setting, or what `auto` came to, which the run tells in a sentence."""
    if setting in ("en", "ja"):
        return setting
    told = clean(about.get("language"))
    return next((code for word, code in (("English", "en"), ("Japanese", "ja")) if told.startswith(word)), "")


class RunsOnDisk:
    """All runs of a folder, newest first. Used by one thread at a time."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._known: dict[str, tuple[Stamp, RunRow]] = {}

    def look(self) -> Iterator[RunRow]:
        """Each in turn, so that the first are shown while the rest is read. A run that goes away is left out."""
        found = list(reversed(list_runs(self._runs)))
        names = {run.run_id for run in found}
        for gone in self._known.keys() - names:
            del self._known[gone]
        for run in found:
            stamp = _stamp(run)
            known = self._known.get(run.run_id)
            # A run that goes on may end without a word, which no file shows.
            if known is None or known[0] != stamp or known[1].state in ("running", "paused"):
                try:
                    known = stamp, read_row(run)
                except (OSError, RealignError):
                    continue
                self._known[run.run_id] = known
            yield known[1]


def _stamp(run: Run) -> Stamp:
    found = []
    for name in _FILES:
        try:
            status = (run.folder / name).stat()
            found += [status.st_mtime_ns, status.st_size]
        except OSError:
            found += [0, 0]
    return tuple(found)
