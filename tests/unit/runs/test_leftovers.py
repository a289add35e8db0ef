"""What killed processes left goes, and nothing else does."""

import os
import subprocess
import sys
from pathlib import Path

from realign_edge.runs.leftovers import sweep_leftovers


def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def test_only_what_dead_processes_wrote_beside_goes(tmp_path: Path) -> None:
    dead = gone()
    (tmp_path / "inner").mkdir()
    (tmp_path / f".folder.{dead}.tmp" / "deep").mkdir(parents=True)
    kept = [
        tmp_path / f".a.json.{os.getpid()}.tmp",
        tmp_path / "a.tmp",
        tmp_path / f"b.{dead}.tmp",
        tmp_path / ".c.tmp",
    ]
    left = [tmp_path / f".a.json.{dead}.tmp", tmp_path / "inner" / f".b.{dead}.tmp"]
    for path in (*kept, *left):
        path.touch()
    assert left[1] not in sweep_leftovers(tmp_path)
    assert not left[0].exists() and left[1].exists() and not (tmp_path / f".folder.{dead}.tmp").exists()
    assert sweep_leftovers(tmp_path, below=True) == [left[1]]
    assert all(path.exists() for path in kept)


def test_link_goes_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    link = tmp_path / f".latest.{gone()}.tmp"
    link.symlink_to("precious")
    assert sweep_leftovers(tmp_path, below=True) == [link]
    assert (tmp_path / "precious").is_dir()


def test_a_folder_that_is_to_stay_as_it_is_stays_so_by_whatever_way_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "home" / "backups").mkdir(parents=True)
    (tmp_path / "home" / "inner" / "backups").mkdir(parents=True)
    (tmp_path / "other").symlink_to("home")
    name = f".key.{gone()}.tmp"
    kept, left = tmp_path / "home" / "backups" / name, tmp_path / "home" / "inner" / "backups" / name
    for path in (kept, left):
        path.touch()
    sweep_leftovers(tmp_path / "home", below=True, apart=tmp_path / "other" / "backups")
    assert kept.exists() and not left.exists()
