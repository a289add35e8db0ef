"""What people chose in blind tests goes with a run, and that is said before and after."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from realign_edge.appliance.settings import ApplianceConfig, MaintainSettings
from realign_edge.appliance.upkeep import duties
from realign_edge.appliance.upkeep.model import Shift
from realign_edge.evaluation.preference.choices import Choice, count_choices, keep_choice, take_back
from realign_edge.runs.run import create_run, list_runs


def edge(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "realign_edge", "runs", "prune", *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def filled(home: Path) -> Path:
    """Two runs; about the older one two people chose, and one took back."""
    for day in (1, 2):
        create_run(home / "runs", f"{day:04d}", {}, "", datetime(2026, 1, day))
    run = list_runs(home / "runs")[0].folder
    for person, photo in (("Ito", "a"), ("Mori", "a"), ("Mori", "a"), ("Mori", "b"), ("Mori", "c")):
        keep_choice(run, Choice(person, photo, "key", "after", "left"), 0)
    take_back(run, "Mori", "c")
    take_back(run, "Mori", "never")
    return run


def test_choices_are_counted_once_each_and_what_was_taken_back_is_not(home: Path) -> None:
    run = filled(home)
    assert count_choices(run) == 3
    assert count_choices(list_runs(home / "runs")[1].folder) == 0


def test_prune_says_that_choices_go(home: Path) -> None:
    filled(home)
    refused = edge("--keep", "1")
    assert refused.returncode == 2
    assert (
        "with 3 choices of people in blind tests" in refused.stderr and "maintain run --only backup" in refused.stderr
    )
    done = edge("--keep", "1", "--yes", "--json")
    assert json.loads(done.stdout)["choices_removed"] == 3
    assert "1 runs removed" in done.stderr and "with 3 choices of people in blind tests; 1 kept" in done.stderr
    again = edge("--keep", "0", "--yes", "--json")
    assert json.loads(again.stdout)["choices_removed"] == 0 and "choices" not in again.stderr


def test_upkeep_says_so_too(home: Path) -> None:
    filled(home)
    (outcome,) = duties.retention(Shift(home, ApplianceConfig(maintain=MaintainSettings(keep_runs=1)), 0.0))
    assert "runs went with 3 choices of people in blind tests" in outcome.fact
