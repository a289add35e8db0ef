"""What runs by itself: systemd's units, the watcher, the work lock."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from realign_edge.appliance.doctor.model import Check, Patient
from realign_edge.files import from_json
from realign_edge.runs.process import is_alive
from realign_edge.runs.run import list_runs

GROUP = "services"
UNITS = ("realign-edge-inspect.service", "realign-edge-maintain.timer")
# Several of the watcher's beats.
_SILENT_S = 60.0


def look(patient: Patient) -> Iterator[Check]:
    """Every check of this group."""
    yield from _units(patient)
    yield from _watcher(patient)
    yield from _runs(patient.home)


def _units(patient: Patient) -> Iterator[Check]:
    if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
        yield Check(GROUP, "systemd", "absent", "it does not run here; commands work without it")
        return
    for unit in UNITS:
        enabled, active = _asked("is-enabled", unit), _asked("is-active", unit)
        if enabled in ("", "not-found"):
            yield Check(GROUP, unit, "absent", "not installed", "deploy/install.sh installs it")
        elif active == "failed":
            yield Check(GROUP, unit, "broken", "it failed", f"journalctl -u {unit} says why")
        elif active == "active":
            yield Check(GROUP, unit, "ok", f"{enabled}, active")
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
    folder = patient.config.inspect.folder
    if folder is not None:
        if folder.is_dir():
            yield Check(GROUP, "watched folder", "ok", str(folder))
        else:
            fix = "make it or mount it; the watcher waits for it"
            yield Check(GROUP, "watched folder", "broken", f"{folder} is not there", fix)
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
