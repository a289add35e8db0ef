"""What runs by itself: systemd's units, the watcher, the nightly upkeep, the work lock."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from realign_edge.appliance.doctor.model import Check, Name, Patient
from realign_edge.appliance.settings import InspectSettings
from realign_edge.appliance.upkeep.model import STATUS
from realign_edge.files import from_json
from realign_edge.runs.process import is_alive
from realign_edge.runs.run import list_runs

GROUP = "services"
UNITS: tuple[Name, ...] = ("realign-edge-inspect.service", "realign-edge-maintain.timer")
# There where systemd runs (sd_booted(3)).
_BOOTED = Path("/run/systemd/system")
# Several of the watcher's beats.
_SILENT_S = 60.0
# A night that was missed, and some hours; it may well be shorter than a weekend without power.
_OLD_UPKEEP_S = 2.5 * 86_400.0
_AGAIN = "then: realign-edge maintain run"


def look(patient: Patient) -> Iterator[Check]:
    """Every check of this group."""
    yield from _units(patient)
    yield from _watcher(patient)
    yield _upkeep(patient.home)
    yield from _runs(patient.home)


def _units(patient: Patient) -> Iterator[Check]:
    if shutil.which("systemctl") is None or not _BOOTED.is_dir():
        yield Check(GROUP, "systemd", "absent", "it does not run here; commands work without it")
        return
    for unit in UNITS:
        enabled, active = _asked("is-enabled", unit), _asked("is-active", unit)
        if enabled in ("", "not-found"):
            yield Check(GROUP, unit, "absent", "not installed", "deploy/install.sh installs it")
        elif active == "failed":
            yield Check(GROUP, unit, "broken", "it failed", f"journalctl -u {unit} says why")
        elif active == "activating":
            fix = f"journalctl -u {unit} says why; `bundle` and `watched folder` may stand here, too"
            yield Check(GROUP, unit, "warn", "it does not come up and is tried again", fix)
        elif active == "active" and enabled == "enabled":
            yield Check(GROUP, unit, "ok", "enabled, active")
        elif active == "active":
            fix = f"systemctl enable {unit}"
            yield Check(GROUP, unit, "warn", f"active, but {enabled}: gone with the next start of the machine", fix)
        else:
            needed = unit.endswith(".timer") or patient.role == "station"
            fix = f"systemctl enable --now {unit}" if needed else ""
            yield Check(GROUP, unit, "warn" if needed else "absent", f"{enabled}, {active}", fix)


def _asked(what: str, unit: str) -> str:
    try:
        said = subprocess.run(["systemctl", what, unit], check=False, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip()


def _watcher(patient: Patient) -> Iterator[Check]:
    if patient.config.inspect.folder is not None:
        yield _watched(patient.config.inspect.folder, patient.config.inspect)
    try:
        said = from_json((patient.home / "watch" / "status.json").read_text(encoding="utf-8"))
        age = (datetime.now(UTC) - datetime.fromisoformat(said["at"])).total_seconds()
        alive = is_alive(int(said["pid"]), str(said.get("mark", "")))
        state, words = str(said["state"]), str(said.get("words", ""))
    except (OSError, ValueError, KeyError, TypeError):
        yield Check(GROUP, "watcher", "absent", "no folder was ever watched here")
        return
    if state == "failed":
        yield Check(GROUP, "watcher", "broken", f"it failed: {words}", "start it again once that is mended")
    elif state == "stopped":
        yield Check(GROUP, "watcher", "absent", "it was stopped")
    elif not alive:
        yield Check(GROUP, "watcher", "broken", "it ended without a word", "start it again: nothing is lost or doubled")
    elif age > _SILENT_S:
        yield Check(GROUP, "watcher", "broken", f"no news for {age:.0f} s", "restart it; no verdict is lost")
    else:
        yield Check(GROUP, "watcher", "ok", f"{state}, process {said['pid']}")


def _watched(folder: Path, settings: InspectSettings) -> Check:
    """Can photos be read where they arrive, and moved where they are to be moved?"""
    name = "watched folder"
    if not folder.is_dir():
        return Check(GROUP, name, "broken", f"{folder} is not there", "make it or mount it; the watcher waits for it")
    if not os.access(folder, os.R_OK | os.X_OK):
        fix = "put this user into the group that the photos belong to"
        return Check(GROUP, name, "broken", f"{folder} cannot be read", fix)
    for place in (folder / named for named in (settings.done, settings.quarantine) if named):
        there = next(p for p in (place, *place.parents) if p.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            fix = 'give this user the folder, or leave photos where they are: inspect.done and quarantine = ""'
            return Check(GROUP, name, "warn", f"{folder}; photos cannot be moved to {place}", fix)
    return Check(GROUP, name, "ok", str(folder))


def _upkeep(home: Path) -> Check:
    """What the last whole round found: at night nobody reads it."""
    try:
        said = from_json((home / STATUS).read_text(encoding="utf-8"))
        at = datetime.fromisoformat(said["at"]).astimezone()
        found = [o for o in said["outcomes"] if o["state"] in ("failed", "attention")]
        words = "; ".join(f"{o['duty']}: {o['fact']}" for o in found)
        fixes = [str(o["fix"]) for o in found if o["fix"]]
    except (OSError, ValueError, KeyError, TypeError):
        return Check(GROUP, "upkeep", "absent", "it was never done here; `realign-edge maintain run` does it")
    when = f"of {at:%Y-%m-%d %H:%M}"
    if any(o["state"] == "failed" for o in found):
        return Check(GROUP, "upkeep", "broken", f"{when}, {words}", "; ".join([*fixes, _AGAIN]))
    if found:
        return Check(GROUP, "upkeep", "warn", f"{when}, {words}", "; ".join([*fixes, _AGAIN]))
    if (datetime.now(UTC) - at).total_seconds() > _OLD_UPKEEP_S:
        fix = "realign-edge maintain run; systemctl enable --now realign-edge-maintain.timer does it each night"
        return Check(GROUP, "upkeep", "warn", f"the last is {when}", fix)
    return Check(GROUP, "upkeep", "ok", f"{when}, nothing found")


def _runs(home: Path) -> Iterator[Check]:
    runs = list_runs(home / "runs")
    live = [r.run_id for r in runs if r.alive]
    if live:
        yield Check(GROUP, "runs", "ok", f"{', '.join(live)} is going on")
    elif runs and runs[-1].state in ("failed", "interrupted"):
        last = runs[-1]
        said = str(last.status.get("error", "")) or "its process ended without a word"
        photos = last.about.get("photos") or "PHOTOS"
        fix = str(last.status.get("hint", "")) or f"take it up again: realign-edge align {photos}"
        yield Check(GROUP, "runs", "warn", f"{last.run_id} {last.state}: {said}", fix)
    elif runs:
        yield Check(GROUP, "runs", "ok", f"{len(runs)}, none going on")
    else:
        yield Check(GROUP, "runs", "absent", "none yet")
