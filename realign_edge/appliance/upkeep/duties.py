"""The duties, in their order. Each is a function of the shift; one that fails does not keep the others from theirs."""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

from realign_edge.appliance.doctor.state import damage
from realign_edge.appliance.upkeep.backup import CATALOG, back_up, known_backups, prune
from realign_edge.appliance.upkeep.model import Outcome, Shift
from realign_edge.errors import MissingError
from realign_edge.evaluation.preference.choices import choices_words, count_choices
from realign_edge.results.chain import in_short
from realign_edge.results.store import FILE as RESULTS
from realign_edge.results.store import Results
from realign_edge.runs.leftovers import sweep_leftovers
from realign_edge.runs.lock import BusyError, work_lock
from realign_edge.runs.run import list_runs, remove_run

_GIB, _DAY_S = 2**30, 86_400.0
_RESTORE = "put the newest backup in its place: realign-edge maintain restore latest"
# What `integrity` tells of each.
CHECKED = {"check catalog": CATALOG, "check results": RESULTS}


def integrity(shift: Shift) -> list[Outcome]:
    """Are catalog and results as they were written?"""
    found = []
    for name, file in CHECKED.items():
        path = shift.home / file
        if not path.exists():
            found.append(Outcome(name, "skipped", "there are none yet"))
        elif problem := damage(path, thorough=True):
            found.append(Outcome(name, "failed", f"{path} is damaged: {problem}", _RESTORE))
        elif file == RESULTS:
            found.append(_chain(shift))
        else:
            found.append(Outcome(name, "done", "whole"))
    return found


def _chain(shift: Shift) -> Outcome:
    with Results.read(shift.home) as results:
        problems, rows = results.verify(progress=shift.progress), results.head().entries
    if problems:
        fact = in_short(problems)
        fix = "`realign-edge results verify` names all; ask who edited the file"
        return Outcome("check results", "failed", fact, fix)
    # Opened for writing, a head that a stop left one row behind is raised: until then a lost last row would not show.
    Results.open(shift.home).close()
    return Outcome("check results", "done", f"{rows} rows, each chained to the one before")


def backup(shift: Shift) -> list[Outcome]:
    """A new backup; old ones go only once it is whole."""
    if not any((shift.home / name).exists() for name in (CATALOG, RESULTS)):
        return [Outcome("backup", "skipped", "there is nothing yet that a backup could hold")]
    made = back_up(shift.home, shift.backups, shift.now)
    gone = prune(shift.backups, shift.config.maintain.keep_backups)
    kept = len(known_backups(shift.backups))
    fact = f"{made.folder}, {made.rows} verdicts; {kept} kept, {len(gone)} removed"
    same_disk = shift.backups.stat().st_dev == shift.home.stat().st_dev
    fix = "set maintain.backups to a folder on another disk: this one is lost with the state" if same_disk else ""
    return [Outcome("backup", "done", fact, fix)]


def index(shift: Shift) -> list[Outcome]:
    """New photos of the configured folders are taken into their index."""
    folders = shift.config.maintain.index
    if not folders:
        return [Outcome("index", "skipped", "no folder is configured (maintain.index)")]
    if importlib.util.find_spec("torch") is None:
        return [Outcome("index", "skipped", "this machine is a station: its bundle holds the index")]
    return [_indexed(shift, folder) for folder in folders]


def _indexed(shift: Shift, folder: Path) -> Outcome:
    from realign_edge.retrieval.folder import open_indexed

    name = f"index {folder}"
    if not folder.is_dir():
        return Outcome(name, "attention", f"{folder} is not there", "mount it, or correct maintain.index")
    try:
        with work_lock(shift.home / "work.lock", "realign-edge maintain"):
            opened = open_indexed(shift.home, folder, shift.config.align.model, shift.progress)
    except BusyError as busy:
        return Outcome(name, "skipped", f"{busy.message}; it is done next time")
    refused = len(opened.found.refused)
    fact = f"{len(opened.index)} photos, recall@10 {opened.index.manifest.recall_at_10:.3f}"
    return Outcome(name, "done", fact + (f"; {refused} refused" if refused else ""))


def drift(shift: Shift) -> list[Outcome]:
    """Do the photos still look like those that the model was aligned on?"""
    from realign_edge.station.drift.drift import DriftSettings
    from realign_edge.station.drift.input import bundle_facts, look
    from realign_edge.station.drift.words import advice, sentence
    from realign_edge.station.find import find_bundle

    try:
        facts = bundle_facts(find_bundle(shift.home))
    except MissingError:
        return [Outcome("drift", "skipped", "no bundle is installed here")]
    if not (shift.home / RESULTS).exists():
        return [Outcome("drift", "skipped", "nothing was inspected yet")]
    with Results.read(shift.home) as results:
        found = look(results, facts, DriftSettings(last=shift.config.maintain.drift_photos))
    words = sentence(found, facts.language)
    if found.state == "drifting":
        return [Outcome("drift", "attention", words, " ".join(advice(found, facts.language)))]
    return [Outcome("drift", "done", words)]


def retention(shift: Shift) -> list[Outcome]:
    """Old runs and logs go, and what killed processes left; what goes on, and the newest, stay."""
    runs = list_runs(shift.home / "runs")
    keep = shift.config.maintain.keep_runs
    gone = [r for r in runs[: max(0, len(runs) - keep)] if not r.alive]
    choices = sum(count_choices(r.folder) for r in gone)
    for run in gone:
        remove_run(run)
    oldest = shift.now - shift.config.maintain.keep_logs_days * _DAY_S
    # The log of a run goes with its run, however old it is.
    kept = {str(r.status.get("log", "")) for r in list_runs(shift.home / "runs")}
    logs = [p for p in (shift.home / "logs").glob("*.log") if p.stat().st_mtime < oldest and str(p) not in kept]
    for log in logs:
        log.unlink(missing_ok=True)
    # Backups stay as they were made: a file gone from one would make it useless. What lies beside them goes with them.
    left = sweep_leftovers(shift.home, below=True, apart=shift.backups)
    fact = f"{len(gone)} runs and {len(logs)} logs removed, {len(runs) - len(gone)} runs kept"
    fact += f"; runs went {choices_words(choices)}, which the backups before still have" if choices else ""
    fact += f"; {len(left)} half-written files of killed processes removed" if left else ""
    return [Outcome("retention", "done", fact)]


def disk(shift: Shift) -> list[Outcome]:
    """Is there room for tomorrow?"""
    free, least = shutil.disk_usage(shift.home).free / _GIB, shift.config.maintain.least_free_gib
    fact = f"{free:.1f} GiB are free"
    if free < least:
        return [Outcome("disk", "attention", fact, f"below {least:g} GiB: delete or move old photos, reports or runs")]
    return [Outcome("disk", "done", fact)]


# Checks come before the backup, so that nothing damaged takes the place of what is good; room is made last.
DUTIES: dict[str, Callable[[Shift], list[Outcome]]] = {
    "integrity": integrity,
    "backup": backup,
    "index": index,
    "drift": drift,
    "retention": retention,
    "disk": disk,
}
