"""The nightly duties, backups and the way back: what is kept, what goes, and what a failure leaves alone."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from realign_edge.appliance.settings import ApplianceConfig, MaintainSettings
from realign_edge.appliance.upkeep import duties
from realign_edge.appliance.upkeep.backup import MANIFEST, back_up, known_backups, prune
from realign_edge.appliance.upkeep.model import STATUS, Outcome, Shift
from realign_edge.appliance.upkeep.restore import restore
from realign_edge.appliance.upkeep.round import go_round
from realign_edge.bundle.keys import workstation_key
from realign_edge.bundle.trust import FOLDER as TRUSTED
from realign_edge.bundle.trust import revoke, trust, trusted_keys
from realign_edge.errors import MissingError, RealignError, UsageError
from realign_edge.preferences.review.model import Decision
from realign_edge.preferences.review.store import ReviewStore
from realign_edge.results.model import Refused
from realign_edge.results.store import Results
from realign_edge.runs.lock import work_lock
from realign_edge.runs.run import create_run, list_runs

NOW = 1_795_000_000.0


@pytest.fixture
def filled(home: Path) -> Path:
    """A state folder with a review and two rows."""
    ReviewStore(home / "catalog.sqlite").append(Decision("p" * 16, "a", "b", "accept", "sato", "2026-11-01"))
    add(home, "a.jpg")
    add(home, "b.jpg")
    return home


def add(home: Path, name: str) -> None:
    with Results.open(home) as results:
        results.append(Refused(name, "no photo", "2026-11-01T00:00:00+00:00"))


def rows(home: Path) -> int:
    with Results.read(home) as results:
        return results.head().entries


def shift(home: Path, **maintain: object) -> Shift:
    return Shift(home, replace(ApplianceConfig(), maintain=MaintainSettings(**maintain)), NOW)  # type: ignore[arg-type]


def test_backup_is_whole_and_comes_back(filled: Path, tmp_path: Path) -> None:
    made = back_up(filled, tmp_path / "b", NOW)
    assert made.rows == 2 and {"catalog.sqlite", "results.sqlite", "results.head"} <= made.files.keys()
    add(filled, "c.jpg")
    aside = restore(filled, made, NOW)
    assert rows(filled) == 2
    assert [r.decision.reviewer for r in ReviewStore(filled / "catalog.sqlite").rows()] == ["sato"]
    with Results.read(filled) as results:
        assert results.verify() == []
    # What was here before is not lost.
    assert rows(aside) == 3


def test_choices_of_blind_tests_come_back_and_newer_ones_stay(filled: Path, tmp_path: Path) -> None:
    for name in ("gone", "here"):
        (filled / "runs" / name).mkdir(parents=True)
        (filled / "runs" / name / "preference_test.jsonl").write_text("{}\n")
        (filled / "runs" / name / "answers.json").write_text("{}")
    made = back_up(filled, tmp_path / "b", NOW)
    shutil.rmtree(filled / "runs" / "gone")
    (filled / "runs" / "here" / "preference_test.jsonl").write_text("{}\n{}\n")
    restore(filled, made, NOW)
    assert (filled / "runs" / "gone" / "preference_test.jsonl").read_text() == "{}\n"
    assert (filled / "runs" / "gone" / "answers.json").exists()
    assert (filled / "runs" / "here" / "preference_test.jsonl").read_text() == "{}\n{}\n"


def test_log_of_another_database_does_not_stay(filled: Path, tmp_path: Path) -> None:
    made = back_up(filled, tmp_path / "b", NOW)
    holder = sqlite3.connect(filled / "results.sqlite")
    holder.execute("BEGIN")
    holder.execute("SELECT * FROM entries").fetchall()
    add(filled, "c.jpg")
    assert Path(f"{filled / 'results.sqlite'}-wal").exists()
    restore(filled, made, NOW)
    assert rows(filled) == 2
    holder.close()


def test_damaged_database_is_not_backed_up_and_old_backups_stay(filled: Path) -> None:
    assert duties.backup(shift(filled, keep_backups=1))[0].state == "done"
    (filled / "catalog.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    outcomes = go_round(shift(filled, keep_backups=1), lambda _o: None)
    states = {o.duty: o.state for o in outcomes}
    assert (states["check catalog"], states["backup"], states["check results"]) == ("failed", "failed", "done")
    assert states["retention"] == "done"
    assert len(known_backups(filled / "backups")) == 1
    assert [p for p in (filled / "backups").iterdir() if p.name.startswith(".")] == []


def test_the_backups_made_last_stay_whatever_the_clock_does(filled: Path, tmp_path: Path) -> None:
    for second in (3, 1, 2, 2):
        back_up(filled, tmp_path / "b", NOW + second)
    (tmp_path / "b" / ".20260101T000000Z.1.tmp").mkdir()
    prune(tmp_path / "b", 2)
    left = sorted(p.name for p in (tmp_path / "b").iterdir())
    assert len(left) == 2 and known_backups(tmp_path / "b")[-1].made_at.endswith("46+00:00")


def test_changed_backup_is_refused_and_nothing_is_touched(filled: Path, tmp_path: Path) -> None:
    made = back_up(filled, tmp_path / "b", NOW)
    data = bytearray((made.folder / "results.sqlite").read_bytes())
    data[-1] ^= 1
    (made.folder / "results.sqlite").write_bytes(data)
    with pytest.raises(MissingError, match="not as it was backed up"):
        restore(filled, made, NOW)
    assert rows(filled) == 2


def test_backup_that_names_files_outside_of_itself_is_refused(filled: Path, tmp_path: Path) -> None:
    made = back_up(filled, tmp_path / "b", NOW)
    evil = replace(made, files={"../../outside": "0" * 64})
    with pytest.raises(UsageError, match="names what no backup holds"):
        restore(filled, evil, NOW)


def test_verdicts_that_were_edited_in_the_backup_are_refused(filled: Path, tmp_path: Path) -> None:
    from realign_edge.files import sha256_file

    made = back_up(filled, tmp_path / "b", NOW)
    db = sqlite3.connect(made.folder / "results.sqlite")
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    db.execute("UPDATE entries SET content = replace(content, 'a.jpg', 'x.jpg')")
    for _, sql in triggers:
        db.execute(sql)
    db.commit()
    db.close()
    forged = replace(made, files={**made.files, "results.sqlite": sha256_file(made.folder / "results.sqlite")})
    with pytest.raises(RealignError, match="were changed"):
        restore(filled, forged, NOW)


def test_nothing_is_put_back_under_a_watcher(filled: Path, tmp_path: Path) -> None:
    made = back_up(filled, tmp_path / "b", NOW)
    (filled / "watch").mkdir()
    with (
        work_lock(filled / "watch" / "lock", "watching /srv/in"),
        pytest.raises(RealignError, match="watching /srv/in"),
    ):
        restore(filled, made, NOW)
    assert rows(filled) == 2


def test_revoked_key_stays_revoked(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = workstation_key(tmp_path / "other").public
    trust(filled, other)
    made = back_up(filled, tmp_path / "b", NOW)
    assert any(name.startswith(TRUSTED) for name in made.files)
    revoke(filled, other.id)
    restore(filled, made, NOW)
    assert trusted_keys(filled).find(other.raw) is None


def test_signing_key_is_in_no_backup(filled: Path, tmp_path: Path) -> None:
    workstation_key(filled)
    made = back_up(filled, tmp_path / "b", NOW)
    assert not any("keys/" in name and not name.startswith(TRUSTED) for name in made.files)


def test_old_runs_and_logs_go_and_live_ones_stay(home: Path) -> None:
    from datetime import datetime

    for day in range(1, 5):
        create_run(home / "runs", f"{day:04d}", {"model": "nano"}, "", datetime(2026, 11, day))
    oldest = sorted((home / "runs").glob("2026*"))[0]
    from realign_edge.runs.process import process_mark

    beat = {"state": "running", "pid": os.getpid(), "process": process_mark(os.getpid()), "time": time.time()}
    (oldest / "status.json").write_text(json.dumps(beat))
    (home / "logs").mkdir()
    for name, age in (("old.log", 100), ("new.log", 1)):
        (home / "logs" / name).touch()
        os.utime(home / "logs" / name, (NOW - age * 86_400,) * 2)
    outcome = duties.retention(shift(home, keep_runs=1))[0]
    assert "2 runs and 1 logs removed" in outcome.fact
    assert oldest.exists() and len(list((home / "runs").glob("2026*"))) == 2
    assert [p.name for p in (home / "logs").iterdir()] == ["new.log"]


def test_folder_that_is_not_mounted_asks_for_attention(home: Path, tmp_path: Path) -> None:
    outcome = duties.index(shift(home, index=(tmp_path / "gone",)))[0]
    assert outcome.state == "attention" and "mount" in outcome.fix


def test_new_photos_are_taken_into_the_index(home: Path, small_floor: Path, tiny_model: Path) -> None:
    config = replace(
        ApplianceConfig(),
        maintain=MaintainSettings(index=(small_floor,)),
        align=replace(ApplianceConfig().align, model=str(tiny_model)),
    )
    outcome = duties.index(Shift(home, config, NOW))[0]
    assert outcome.state == "done" and "recall@10" in outcome.fact
    with work_lock(home / "work.lock", "realign-edge align"):
        busy = go_round(Shift(home, config, NOW), lambda _o: None, ["index"])[0]
    assert busy.state == "skipped" and "realign-edge align" in busy.fact


def test_what_came_of_it_is_remembered(filled: Path) -> None:
    told: list[Outcome] = []
    outcomes = go_round(shift(filled, least_free_gib=1e9), told.append)
    assert told == outcomes
    kept = json.loads((filled / STATUS).read_text())
    assert [o["duty"] for o in kept["outcomes"]] == [o.duty for o in outcomes]
    assert next(o for o in outcomes if o.duty == "disk").state == "attention"
    assert next(o for o in outcomes if o.duty == "drift").state == "skipped"
    # A part of a round, asked for by hand, does not hide what the night found.
    assert len(go_round(shift(filled), told.append, ["disk"])) == 1
    assert json.loads((filled / STATUS).read_text()) == kept


def test_round_ends_after_the_duty_in_hand(filled: Path) -> None:
    stopped = replace(shift(filled), stopping=lambda: True)
    assert go_round(stopped, lambda _o: None) == []


def test_interrupted_backup_is_none(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = back_up(filled, tmp_path / "b", NOW)
    shutil.copytree(made.folder, tmp_path / "b" / "20260101T000000Z")
    (tmp_path / "b" / "20260101T000000Z" / MANIFEST).unlink()
    assert [b.folder for b in known_backups(tmp_path / "b")] == [made.folder]


def test_commands_from_backup_to_restore(filled: Path) -> None:
    def edge(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "realign_edge", "maintain", *words], capture_output=True, text=True
        )

    done = edge("run", "--only", "integrity", "--only", "backup")
    assert done.returncode == 0 and "✓ backup" in done.stdout, done.stderr
    assert len(json.loads(edge("backups", "--json").stdout)["backups"]) == 1
    asked = edge("restore")
    assert asked.returncode == 2 and "--yes" in asked.stderr
    add(filled, "c.jpg")
    assert edge("restore", "latest", "--yes").returncode == 0
    assert rows(filled) == 2
    assert edge("restore", "nothing", "--yes").returncode == 3
    assert edge("run", "--only", "sweep").returncode == 2


def test_what_a_killed_process_left_beside_a_key_makes_no_backup_useless(filled: Path) -> None:
    trust(filled, workstation_key(filled).public)
    dead = subprocess.Popen(["true"])
    dead.wait()
    for folder in (filled / TRUSTED, filled):
        (folder / f".key.pub.{dead.pid}.tmp").write_text("half a k")
    made = back_up(filled, filled / "backups", NOW)
    assert not [name for name in made.files if ".tmp" in name]
    # Whatever lies in a backup: it was made so, and its manifest names it.
    (made.folder / f".note.{dead.pid}.tmp").write_text("x")
    duties.retention(shift(filled))
    assert (made.folder / f".note.{dead.pid}.tmp").exists()
    assert not list(filled.glob(".*.tmp")) and not list((filled / TRUSTED).glob(".*.tmp"))
    restore(filled, known_backups(filled / "backups")[0], NOW)


def test_the_night_raises_a_head_that_a_stop_left_behind(filled: Path) -> None:
    before = (filled / "results.head").read_bytes()
    add(filled, "c.jpg")
    (filled / "results.head").write_bytes(before)
    with Results.read(filled) as results:
        assert results.behind() == 1
    (said,) = [o for o in duties.integrity(shift(filled)) if o.duty == "check results"]
    assert (said.state, said.fact[:7]) == ("done", "3 rows,")
    with Results.read(filled) as results:
        assert results.behind() == 0


def test_full_disk_while_a_backup_is_put_back_changes_nothing(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(filled, tmp_path / "b", NOW)
    add(filled, "c.jpg")
    before, copy, copied = {p.name for p in filled.iterdir()}, shutil.copyfile, []

    def full(source: Path, target: Path) -> None:
        copied.append(str(target))
        if len(copied) == len(made.files):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left") as told:
        restore(filled, made, NOW)
    assert told.value.filename == copied[-1]
    assert {p.name for p in filled.iterdir()} == before | {"watch", "work.lock"}
    assert rows(filled) == 3


def test_killed_backups_do_not_fill_the_disk(filled: Path, tmp_path: Path) -> None:
    left = tmp_path / "b" / ".20260101T000000Z.1.tmp"
    left.mkdir(parents=True)
    back_up(filled, tmp_path / "b", NOW)
    assert not left.exists()


def test_upkeep_takes_away_what_killed_processes_left(filled: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        left = filled / f".results.head.{process.pid}.tmp"
    left.touch()
    (outcome,) = duties.retention(shift(filled))
    assert "1 half-written files of killed processes removed" in outcome.fact
    assert not left.exists()


def test_retention_keeps_the_run_that_was_made_last_when_the_clock_went_back(home: Path) -> None:
    for day in (3, 1):
        create_run(home / "runs", f"day{day}", {}, "", datetime(2026, 11, day))
    duties.retention(shift(home, keep_runs=1))
    assert [r.about["identity"] for r in list_runs(home / "runs")] == ["day1"]
