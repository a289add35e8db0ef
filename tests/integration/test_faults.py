"""What a shop floor does to running work: photos vanish or are replaced, clocks go back, two start at once."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from realign_edge.files import sha256_file
from realign_edge.runs.lock import work_lock

MEDDLE = str(Path(__file__).with_name("meddle.py"))
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def meddled(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command while something happens."""

    def run(where: str, what: str, file: object, *words: object) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, MEDDLE, where, what, str(file), *map(str, words)]
        environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "COLUMNS": "80"}
        return subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=300)

    return run


@pytest.fixture
def own(prepared: Any, tmp_path: Path) -> Path:
    """The prepared photos as this test's own."""
    folder = tmp_path / "photos"
    shutil.copytree(prepared.photos, folder)
    return folder


def one_of(folder: Path) -> Path:
    return sorted(folder.rglob("*.jpg"))[0]


def test_photo_that_is_replaced_between_scan_and_features(
    meddled: Any, command: Command, prepared: Any, own: Path, home: Path
) -> None:
    photo, config = one_of(own), prepared.config(1, 1)
    before = sha256_file(photo)
    words = ("align", own, "--config", config, "--until", "index", "--quiet")
    done = meddled("realign_edge.vlm.features:FeatureStore.ensure", "replace", photo, *words)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 2
    assert f"error: {photo} has changed since" in done.stderr
    assert "run the same command again" in done.stderr
    # Nothing was learnt of other bytes under the old photo's name, and the folder is taken as it is now.
    assert command(*words).returncode == 0
    shards = b"".join(p.read_bytes() for p in (home / "features").rglob("*.safetensors"))
    assert before.encode() not in shards
    assert sha256_file(photo).encode() in shards


def test_photo_that_is_replaced_before_the_export_is_in_no_bundle(
    meddled: Any, command: Command, prepared: Any, watched: Any, own: Path
) -> None:
    config = prepared.config(2, 1)
    words = ("align", own, "--config", config, "--quiet")
    photo = one_of(own)
    done = meddled("realign_edge.export.contents.evidence:write_evidence", "replace", photo, *words)
    assert done.returncode == 4, done.stderr
    assert "has changed since it was scanned" in " ".join(done.stdout.split())
    assert not list(watched.home.glob("runs/2*/bundle"))
    assert "Traceback" not in done.stderr


def test_photo_that_is_deleted_while_others_are_inspected(
    meddled: Any, station: Path, incoming: Path, command: Command
) -> None:
    photo = one_of(incoming)
    done = meddled("realign_edge.station.inspecting.work:inspect_all", "delete", photo, "inspect", incoming, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert photo.name in {r["name"] for r in said["refused"]}
    assert len(said["photos"]) == 2
    assert command("results", "verify").returncode == 0


def test_verdicts_of_a_clock_that_went_back_are_rows_like_others(
    meddled: Any, station: Path, incoming: Path, command: Command
) -> None:
    assert command("inspect", incoming, "--quiet").returncode == 0
    done = meddled("realign_edge.station.inspecting.work:inspect_all", "clock", 90_000, "inspect", incoming, "--quiet")
    assert done.returncode == 0, done.stderr
    assert command("results", "verify").returncode == 0
    rows = json.loads(command("results", "list", "--json").stdout)["rows"]
    assert len([r for r in rows if r["kind"] == "inspection"]) == 6
    assert command("report", "--out", station / "out", "--quiet").returncode == 0


def test_maintain_keeps_what_was_made_last_when_the_clock_went_back(
    meddled: Any, station: Path, incoming: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "appliance.toml"
    config.write_text("[maintain]\nkeep_backups = 1\nleast_free_gib = 0.0\n")
    monkeypatch.setenv("REALIGN_EDGE_CONFIG", str(config))
    duties = ("maintain", "run", "--only", "backup", "--quiet")
    assert command("inspect", incoming, "--quiet").returncode == 0
    assert command(*duties).returncode == 0
    assert command("inspect", incoming, "--quiet").returncode == 0
    assert meddled("realign_edge.appliance.load:appliance", "clock", 90_000, *duties).returncode == 0
    (kept,) = json.loads(command("maintain", "backups", "--json").stdout)["backups"]
    assert kept["rows"] == 8  # three verdicts twice, and two refusals
    assert command("maintain", "restore", "latest", "--yes", "--quiet").returncode == 0


def test_second_align_is_told_who_works(command: Command, prepared: Any, watched: Any, until: Any) -> None:
    words = ["align", str(prepared.photos), "--config", str(prepared.config(10_000, 1000))]
    executable = str(Path(sys.executable).with_name("realign-edge"))
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(watched.home)}
    first = subprocess.Popen([executable, *words, "--quiet"], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        # What stands in it before is of whoever worked here last.
        until(lambda: str(first.pid) in (watched.home / "work.lock").read_text(), first)
        second = command(*words)
        assert second.returncode == 1
        assert f"realign-edge align {prepared.photos} (process {first.pid}, since 20" in second.stderr
        assert "realign-edge runs stop" in second.stderr
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    # The kernel releases it, however the first one ended.
    assert command("align", prepared.photos, "--config", prepared.config(1, 1), "--until", "index").returncode == 0


def test_photo_folder_that_cannot_be_written_to(
    command: Command, station: Path, incoming: Path, opened_namespace: list[str], tmp_path: Path
) -> None:
    if not opened_namespace:
        pytest.skip("mount namespaces are not permitted here")
    executable, read_only = Path(sys.executable).with_name("realign-edge"), tmp_path / "read-only"
    read_only.mkdir()
    log = tmp_path / "watched.log"
    watching = f"inspect --watch {read_only} --done done --settle 0 --patience 0 --every 0.1"
    words = f"""
        mount --bind {incoming} {read_only} && mount -o remount,bind,ro {read_only} && ! touch {read_only}/x || exit 9
        {executable} inspect {read_only} --quiet || exit 8
        {executable} {watching} 2> {log} & watcher=$!
        until [ "$(grep -c 'cannot be moved to' {log})" = 5 ]; do sleep 0.1; done
        sleep 0.5; kill -TERM $watcher; wait $watcher
    """
    done = subprocess.run(
        [*opened_namespace, "sh", "-c", words], capture_output=True, text=True, timeout=300,
        env={**os.environ, "REALIGN_EDGE_HOME": str(station), "LC_ALL": "C"},
    )  # fmt: skip
    assert (done.returncode, "3 photos:" in done.stdout) == (0, True), done.stderr
    # Seen before: told once that they cannot be moved, and not a second row.
    told = log.read_text(encoding="utf-8")
    assert told.count("cannot be moved to") == 5 and "Read-only file system" in told
    rows = json.loads(command("results", "list", "--json").stdout)["rows"]
    assert len(rows) == 5


@pytest.mark.parametrize(
    ("lock", "words"), [("watch/lock", ("inspect", "--watch")), ("maintain/lock", ("maintain", "run"))]
)
def test_second_watcher_or_upkeep_is_told_who_works(
    command: Command, station: Path, incoming: Path, lock: str, words: tuple[str, ...]
) -> None:
    (station / lock).parent.mkdir()
    with work_lock(station / lock, "what the first one does"):
        done = command(*words, *([incoming] if "inspect" in words else []))
    assert done.returncode == 1
    assert f"what the first one does (process {os.getpid()}, since 20" in done.stderr
    assert "hint: " in done.stderr


def test_state_on_another_file_system(
    station: Path, incoming: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos, reports and backups lie on this disk, the state in memory: nothing is renamed from one to the other."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at hand")
    config = tmp_path / "appliance.toml"
    config.write_text(f'[maintain]\nbackups = "{tmp_path / "backups"}"\nleast_free_gib = 0.0\n')
    monkeypatch.setenv("REALIGN_EDGE_CONFIG", str(config))
    there = memory / f"realign-edge-test-{os.getpid()}"
    shutil.copytree(station, there, symlinks=True)
    monkeypatch.setenv("REALIGN_EDGE_HOME", str(there))

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        executable = str(Path(sys.executable).with_name("realign-edge"))
        return subprocess.run([executable, *map(str, words)], capture_output=True, text=True, timeout=300)

    try:
        assert run("inspect", incoming, "--quiet").returncode == 0
        assert run("report", "--out", tmp_path / "out", "--quiet").returncode == 0
        assert run("maintain", "run", "--quiet").returncode == 0
        assert run("maintain", "restore", "latest", "--yes", "--quiet").returncode == 0
        assert run("results", "verify").returncode == 0
        with closing(sqlite3.connect(there / "results.sqlite")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    finally:
        shutil.rmtree(there)
