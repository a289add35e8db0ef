"""Making room: what goes, what stays, how much it frees."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from realign_edge.runs.prune import all_but, folder_bytes, removal, remove
from realign_edge.runs.run import Run, create_run, list_runs


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    made = [create_run(tmp_path / "runs", f"{d:04d}", {}, "", datetime(2026, 1, d)) for d in (1, 2, 3)]
    for run in made:
        (run.folder / "adapter").mkdir()
        (run.folder / "adapter" / "weights").write_bytes(b"w" * 5000)
    return made


def test_the_newest_stay(runs: list[Run], tmp_path: Path) -> None:
    planned = removal(all_but(list_runs(tmp_path / "runs"), 1))
    assert planned.gone == tuple(runs[:2])
    assert planned.size == sum(p.stat().st_size for r in runs[:2] for p in r.folder.rglob("*") if p.is_file())
    told: list[Run] = []
    done = remove(planned, told.append)
    assert list_runs(tmp_path / "runs") == runs[2:]
    assert (done.gone, done.size, told) == (planned.gone, planned.size, runs[:2])
    assert all_but(runs, 5) == [] and all_but(runs, 0) == runs


def test_a_run_that_is_going_on_is_never_deleted(runs: list[Run]) -> None:
    runs[0].heartbeat(state="running")
    planned = removal(runs)
    assert planned.spared == (runs[0],) and runs[0] not in planned.gone
    # Taken up again between the question and the answer.
    runs[1].heartbeat(state="running")
    done = remove(planned)
    assert done.gone == (runs[2],) and set(done.spared) == set(runs[:2])
    assert runs[0].about and runs[1].about and not runs[2].folder.exists()


def test_a_file_with_two_names_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "away").symlink_to("/etc/hostname")
    own = os.lstat(tmp_path / "away").st_size
    assert folder_bytes(tmp_path) == 100 + own
    real: Any = os.lstat

    def gone(path: Any) -> Any:
        if str(path).endswith("away"):
            raise FileNotFoundError(path)
        return real(path)

    monkeypatch.setattr(os, "lstat", gone)
    assert folder_bytes(tmp_path) == 100
