"""Two processes under `accelerate launch` against one: the same work, shared out, written by the first alone."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

MEMBER = str(Path(__file__).with_name("member.py"))
STEPS, RATE = 8, 1e-3
SETTINGS = f"""model = "{{model}}"
[pairs]
min_reference_gap = -1e9
[retrieval]
max_similarity = 1.0
[alignment]
steps = {STEPS}
learning_rate = {RATE}
batch_pairs = 5
lora_rank = 2
checkpoint_every = 4
"""
Until = Callable[..., None]


@dataclass(frozen=True)
class Work:
    """Photos, settings, and a folder for homes."""

    photos: Path
    config: Path
    folder: Path

    def arguments(self, *, photos: str = "", last: str = "train") -> list[str]:
        return ["align", photos or str(self.photos), "--config", str(self.config), "--until", last]

    def start(self, home: Path, *command: str) -> "subprocess.Popen[str]":
        """Sockets of this machine are what a team talks by, so the refusal of sockets is left out here."""
        kept = [p for p in os.environ["PYTHONPATH"].split(os.pathsep) if Path(p).name != "offline"]
        root = str(Path(__file__).parents[2])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *kept]), "REALIGN_EDGE_HOME": str(home)}
        home.mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def team(self, home: Path, *command: str) -> "subprocess.Popen[str]":
        """Two processes, started as the README says."""
        launch = ["--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
        launch += ["--dynamo_backend", "no", "--main_process_port", "0"]
        return self.start(home, "-m", "accelerate.commands.launch", *launch, *command)


@pytest.fixture(scope="module")
def work(small_floor: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """16 photos at 128 px: shards of 5, 5, 5 and 1."""
    folder = tmp_path_factory.mktemp("several")
    shutil.copytree(small_floor, folder / "floor")
    for path in sorted((folder / "floor").rglob("*.jpg"))[16:]:
        path.unlink()
    (folder / "align.toml").write_text(SETTINGS.format(model=tiny_model))
    return Work(folder / "floor", folder / "align.toml", folder)


def run_of(home: Path) -> Path:
    return next(home.glob("runs/2*"))


def events(home: Path, kind: str) -> list[dict[str, Any]]:
    found = [line for path in home.glob("runs/2*/events.jsonl") for line in path.read_text().splitlines(True)]
    return [e for e in map(json.loads, (x for x in found if x.endswith("\n"))) if e["type"] == kind]


def counts(folder: Path) -> list[dict[str, int]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def rows(home: Path) -> dict[str, list[Any]]:
    """Everything that the catalog holds of pairs and attempts, but when it was written."""
    with sqlite3.connect(home / "catalog.sqlite") as db:
        tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        chosen = [t for t in tables if "pair" in t or "attempt" in t]
        return {t: sorted(map(repr, db.execute(f"SELECT * FROM {t}"))) for t in chosen}


def files(home: Path, *folders: str) -> dict[str, bytes]:
    found = [p for name in folders for p in (home / name).rglob("*") if p.is_file()]
    return {str(p.relative_to(home)): p.read_bytes() for p in found}


def adapter(home: Path) -> dict[str, torch.Tensor]:
    return load_file(run_of(home) / "adapter" / "adapter_model.safetensors")


def check_same_adapter(ours: Path, theirs: Path) -> None:
    """Equal up to the order in which gradients are summed.

    Rounding moves a gradient by 1e-7 of its size or so. Adam divides it by the root of its second moment, so an
    entry whose gradient is itself rounding moves by any part of the learning rate a step; all others agree
    closely. Hence few entries may differ at all, and none by more than the steps could carry it.
    """
    a, b = adapter(ours), adapter(theirs)
    assert a.keys() == b.keys()
    apart = torch.cat([(a[name] - b[name]).abs().flatten() for name in a])
    assert float(apart.max()) <= 2 * STEPS * RATE
    assert float((apart > 1e-2 * RATE).float().mean()) < 0.01
    moved = torch.cat([b[name].flatten() for name in b if "lora_B" in name]).abs()
    assert float(moved.median()) > RATE


def ended(process: "subprocess.Popen[str]", limit_s: float = 120.0) -> tuple[str, str]:
    try:
        return process.communicate(timeout=limit_s)
    finally:
        process.kill()


def test_two_processes_do_the_work_of_one_stop_and_go_on(work: Work, until: Until, tmp_path: Path) -> None:
    one, two, rest = (work.folder / name for name in ("one", "two", "rest"))
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    alone = work.start(one, MEMBER, str(tmp_path / "one"), *work.arguments())
    assert ended(alone)[1]
    assert alone.returncode == 0
    stopped = work.team(two, MEMBER, str(tmp_path / "two"), *work.arguments())
    until(lambda: bool(events(two, "step")), stopped)
    asked = time.time()
    stopped.send_signal(signal.SIGTERM)
    said = ended(stopped)[1]
    assert "training was stopped after step" in said
    assert_shared(counts(tmp_path / "one")[0], counts(tmp_path / "two"), events(two, "step"))
    check_stopped(two, asked)
    shutil.copytree(two, rest, symlinks=True)
    # The same run is taken to its end by two processes, and a copy of it by one.
    whole = work.team(two, MEMBER, str(tmp_path / "two"), *work.arguments())
    out, said = ended(whole)
    assert whole.returncode == 0, said
    assert out.count("Adapter") == 1
    single = work.start(rest, MEMBER, str(tmp_path / "one"), *work.arguments())
    said = ended(single)[1]
    assert single.returncode == 0, said
    for home in (two, rest):
        assert [e["step"] for e in events(home, "step")] == list(range(1, STEPS + 1))
        assert rows(home) == rows(one)
        assert files(home, "features", "index", "references") == files(one, "features", "index", "references")
        check_same_adapter(home, one)


def assert_shared(alone: dict[str, int], members: list[dict[str, int]], steps: list[dict[str, Any]]) -> None:
    """Everything was done once, about half of it by each."""
    assert len(members) == 2
    assert all(alone[name] > 2 for name in alone)
    for name in ("photos", "groups", "references"):
        assert sum(m[name] for m in members) == alone[name]
        # One more a round at most, and there are four rounds of photos.
        assert abs(members[0][name] - members[1][name]) <= 4, name
    first, second = (m["items"] for m in members)
    # 5 pairs a step: 3 and 2.
    assert (first, second) == (3 * len(steps), 2 * len(steps))


def check_stopped(home: Path, asked: float) -> None:
    """A checkpoint of the last step, soon after it was asked for."""
    done = [e["step"] for e in events(home, "step")]
    assert 0 < len(done) < STEPS
    assert sum(e["time"] > asked for e in events(home, "step")) <= 2
    assert events(home, "checkpoint")[-1]["step"] == done[-1]
    assert json.loads((run_of(home) / "status.json").read_text())["state"] == "stopped"
    assert not any((run_of(home) / "checkpoints").glob("*.tmp"))


def test_a_failure_of_the_first_process_ends_all_with_its_one_message(work: Work, tmp_path: Path) -> None:
    failed = work.team(tmp_path, "-m", "realign_edge", *work.arguments(photos="nowhere"))
    out, said = ended(failed, 60)
    assert failed.returncode != 0
    assert out == ""
    assert said.count("error: ") == 1
    assert "error: no photo folder at nowhere\nhint: " in said
    assert "went wrong" not in said
    assert "realign_edge/" not in said
    assert not (tmp_path / "logs").exists()
