"""Every finding of the doctor, made by breaking one thing at a time."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from realign_edge.appliance.doctor import examine as examination
from realign_edge.appliance.doctor import machine, services, software, state
from realign_edge.appliance.doctor.model import Check, Patient
from realign_edge.appliance.settings import ApplianceConfig, InspectSettings, MaintainSettings
from realign_edge.appliance.upkeep.model import STATUS
from realign_edge.appliance.where import VARIABLE
from realign_edge.bundle.keys import PRIVATE, workstation_key
from realign_edge.photos.catalog import Catalog
from realign_edge.results.model import Refused
from realign_edge.results.store import Results
from realign_edge.runs.process import process_mark


@pytest.fixture
def station(home: Path) -> Patient:
    return Patient(home, ApplianceConfig(), "station")


def found(checks: Iterator[Check], name: str) -> Check:
    return next(c for c in checks if c.name == name)


def test_a_fresh_workstation_is_not_broken(home: Path) -> None:
    checks = list(examination.examine(Patient(home, ApplianceConfig(), "workstation")))
    assert [c for c in checks if c.state == "broken"] == []
    assert {c.group for c in checks} == {"machine", "software", "state", "services"}
    assert all(c.fix for c in checks if c.state == "warn")


def test_a_station_without_a_bundle_is_broken_and_told_what_to_do(station: Patient) -> None:
    check = found(state.look(station), "bundle")
    assert check.state == "broken" and "bundle install" in check.fix


def test_configuration_with_a_mistake(station: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[sit]\n")
    monkeypatch.setenv(VARIABLE, str(file))
    check = found(state.look(station), "configuration")
    assert check.state == "broken" and "did you mean `site`" in check.fact
    # The doctor itself goes on with the defaults.
    assert examination.patient(station.home).config == ApplianceConfig()


def test_damaged_catalog_is_found(station: Patient) -> None:
    path = station.home / "catalog.sqlite"
    Catalog(path).db.close()
    assert found(state.look(station), "catalog").state == "ok"
    data = bytearray(path.read_bytes())
    data[100:110] = b"\xff" * 10
    path.write_bytes(data)
    check = found(state.look(station), "catalog")
    assert check.state == "broken" and str(path) in check.fact
    assert "realign-edge maintain restore latest" in check.fix


def test_edited_verdict_is_found_only_when_it_is_looked_for(station: Patient) -> None:
    with Results.open(station.home) as results:
        results.append(Refused("a.jpg", "no photo", "2026-11-01T00:00:00+00:00"))
    db = sqlite3.connect(station.home / "results.sqlite")
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute("UPDATE entries SET content = replace(content, 'a.jpg', 'b.jpg')")
    db.commit()
    db.close()
    assert found(state.look(station), "verdicts").state == "ok"
    thorough = Patient(station.home, station.config, "station", thorough=True)
    check = found(state.look(thorough), "verdicts")
    assert check.state == "broken" and check.fact.endswith(
        "of what keeps rows from being changed, is missing (and 3 more)"
    )


def test_signing_key_that_others_can_read(station: Patient) -> None:
    workstation_key(station.home)
    assert found(state.look(station), "keys").state == "ok"
    (station.home / "keys" / PRIVATE).chmod(0o640)
    check = found(state.look(station), "keys")
    assert check.state == "broken" and "chmod 600" in check.fix


def test_index_that_was_changed_is_only_a_cache(station: Patient) -> None:
    folder = station.home / "index" / "f"
    folder.mkdir(parents=True)
    (folder / "index.bin").write_bytes(b"other")
    (folder / "manifest.json").write_text(json.dumps({"sha256": "0" * 64}))
    assert found(state.look(station), "index").state == "warn"


def test_disk_below_the_limit(station: Patient) -> None:
    config = ApplianceConfig(maintain=MaintainSettings(least_free_gib=1e9))
    check = found(machine.look(Patient(station.home, config, "station")), "disk")
    assert check.state == "warn" and "runs prune" in check.fix


def test_clock_that_went_back(station: Patient) -> None:
    later = station.home / "results.sqlite"
    later.touch()
    os.utime(later, (time.time() + 3600,) * 2)
    check = found(machine.look(station), "clock")
    assert check.state == "broken" and "went back" in check.fact
    # A clock that was ahead and is right again says the same, and what to do then.
    assert f"touch {later}" in check.fix


def test_file_system_is_the_deepest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nserver:/x /mnt/with\\040space nfs4 rw 0 0\nnone /mnt tmpfs rw 0 0\n")
    assert machine.file_system(Path("/mnt/with space/state"), mounts) == "nfs4"
    assert machine.file_system(Path("/mnt/other"), mounts) == "tmpfs"
    assert machine.file_system(Path("/home"), mounts) == "ext4"


def test_state_on_the_network_is_broken(station: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "file_system", lambda _path: "cifs")
    assert found(machine.look(station), "file system").state == "broken"


def test_package_that_is_missing(station: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    real = software._installed
    monkeypatch.setattr(software, "_installed", lambda name: name != "onnxruntime" and real(name))
    check = found(software.look(station), "base install")
    assert check.state == "broken" and "onnxruntime" in check.fact


@pytest.mark.parametrize(
    ("said", "expected", "words"),
    [
        ({"state": "failed", "words": "disk full"}, "broken", "disk full"),
        ({"state": "stopped"}, "absent", "stopped"),
        ({"state": "watching"}, "ok", "watching"),
        ({"state": "watching", "mark": "1"}, "broken", "without a word"),
        ({"state": "watching", "at": "2026-11-01T00:00:00+00:00"}, "broken", "no news"),
    ],
)
def test_what_the_watcher_last_said(station: Patient, said: dict[str, str], expected: str, words: str) -> None:
    from realign_edge.station.watching.heartbeat import now

    beat = {"pid": os.getpid(), "mark": process_mark(os.getpid()), "at": now(), **said}
    (station.home / "watch").mkdir()
    (station.home / "watch" / "status.json").write_text(json.dumps(beat))
    check = found(services.look(station), "watcher")
    assert (check.state, words in check.fact) == (expected, True)


@pytest.mark.parametrize(
    ("states", "days_ago", "expected", "words"),
    [
        (("done", "skipped"), 0, "ok", "nothing found"),
        (("done", "attention"), 0, "warn", "duty 1: fact 1"),
        (("attention", "failed"), 0, "broken", "duty 0: fact 0; duty 1: fact 1"),
        (("done",), 4, "warn", "the last is of"),
    ],
)
def test_what_the_last_night_found(
    station: Patient, states: tuple[str, ...], days_ago: int, expected: str, words: str
) -> None:
    at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(timespec="seconds")
    said = [{"duty": f"duty {n}", "state": s, "fact": f"fact {n}", "fix": "mend it"} for n, s in enumerate(states)]
    (station.home / STATUS).parent.mkdir()
    (station.home / STATUS).write_text(json.dumps({"at": at, "outcomes": said}))
    check = found(services.look(station), "upkeep")
    assert (check.state, words in check.fact) == (expected, True)
    assert ("maintain run" in check.fix) == (expected != "ok")


@pytest.mark.parametrize("text", ["", "[]", '{"at": 3}', '{"at": "2026-11-01T00:00:00+00:00", "outcomes": [{}]}'])
def test_upkeep_that_left_nothing_readable(station: Patient, text: str) -> None:
    (station.home / STATUS).parent.mkdir()
    (station.home / STATUS).write_text(text)
    assert found(services.look(station), "upkeep").state == "absent"


def test_watched_folder_that_is_not_mounted(station: Patient, tmp_path: Path) -> None:
    config = ApplianceConfig(inspect=InspectSettings(folder=tmp_path / "gone"))
    assert found(services.look(Patient(station.home, config, "station")), "watched folder").state == "broken"


def test_watched_folder_that_cannot_be_read_or_moved_from(
    station: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: set[tuple[Path, int]] = set()
    # Root may do anything, so permissions are made up.
    monkeypatch.setattr(os, "access", lambda path, how: not any(path == p and how & h for p, h in closed))
    folder = tmp_path / "in"
    folder.mkdir()
    config = ApplianceConfig(inspect=InspectSettings(folder=folder))
    watched = Patient(station.home, config, "station")
    assert found(services.look(watched), "watched folder").state == "ok"
    closed.add((folder, os.W_OK))
    check = found(services.look(watched), "watched folder")
    assert check.state == "warn" and str(folder / "quarantine") in check.fact
    nowhere = ApplianceConfig(inspect=InspectSettings(folder=folder, quarantine=""))
    assert found(services.look(Patient(station.home, nowhere, "station")), "watched folder").state == "ok"
    closed.add((folder, os.R_OK))
    assert found(services.look(watched), "watched folder").state == "broken"


@pytest.mark.parametrize(
    ("enabled", "active", "state", "fix"),
    [
        ("enabled", "active", "ok", ""),
        ("disabled", "active", "warn", "systemctl enable"),
        ("masked", "inactive", "warn", "enable --now"),
        ("enabled", "activating", "warn", "journalctl"),
        ("enabled", "failed", "broken", "journalctl"),
        ("", "inactive", "absent", "install.sh"),
    ],
)
def test_what_systemd_says_of_a_unit(
    station: Patient, monkeypatch: pytest.MonkeyPatch, enabled: str, active: str, state: str, fix: str
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(services, "_BOOTED", station.home)
    monkeypatch.setattr(services, "_asked", lambda what, unit: enabled if what == "is-enabled" else active)
    check = found(services.look(station), "realign-edge-inspect.service")
    assert check.state == state and fix in check.fix


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_files_that_root_left_in_the_state_are_found(station: Patient) -> None:
    assert found(state.look(station), "folder").state == "ok"
    os.chown(station.home, 12345, 12345)
    (station.home / "keys").mkdir()
    (station.home / "keys" / "workstation.pub").touch()
    check = found(state.look(station), "folder")
    assert check.state == "broken" and str(station.home / "keys") in check.fact and "chown -R" in check.fix


def test_look_that_fails_does_not_end_the_others(station: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_patient: Patient) -> Any:
        raise OSError(28, "No space left on device", "/x")
        yield

    monkeypatch.setitem(examination.LOOKS, "software", fails)
    checks = list(examination.examine(station))
    assert next(c for c in checks if c.group == "software").state == "broken"
    assert any(c.group == "services" for c in checks)


def test_command_exits_with_one_where_something_is_broken(station: Patient) -> None:
    def told(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "realign_edge", "doctor", *options], capture_output=True, text=True
        )

    whole = told("--json")
    assert (whole.returncode, json.loads(whole.stdout)["healthy"]) == (0, True)
    (station.home / "catalog.sqlite").write_text("no database")
    assert told("--json").returncode == 1
    short = told("--quiet")
    assert "catalog" in short.stdout and "→" in short.stdout and "fonts" not in short.stdout
    assert all(len(line) <= 80 for line in short.stdout.splitlines())
