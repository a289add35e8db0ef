"""A home in which everything before training is done and a run in it that a test can watch; a station with a bundle."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from realign_edge.bundle.keys import workstation_key
from realign_edge.bundle.manifest import BaseModel, Training
from realign_edge.bundle.seal import seal

EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
# Generous: a loaded machine may be slow, and only a test that fails waits so long.
LIMIT_S = 180.0
SETTINGS = """model = "{model}"
[pairs]
min_reference_gap = -1e9
[retrieval]
max_similarity = 1.0
[alignment]
steps = {steps}
max_epochs = 1e9
batch_pairs = 2
lora_rank = 2
checkpoint_every = {every}
[evaluation]
resamples = 200
habit_photos = 2
max_photos = 2
[export]
precisions = ["fp32"]
parity_photos = 2
calibration_photos = 2
golden_photos = 1
"""


@dataclass(frozen=True)
class Prepared:
    """Photos, and a home with their features, index and pairs. config(steps, every) writes settings."""

    photos: Path
    home: Path
    config: Callable[[int, int], Path]


@dataclass(frozen=True)
class Watched:
    """A run that a test watches through its files, as people would."""

    home: Path

    @property
    def folder(self) -> Path:
        """Of the only run that trains; `prepared` leaves one that ended before training."""
        return max(self.home.glob("runs/2*"), key=lambda p: len((p / "events.jsonl").read_bytes()))

    def status(self) -> dict[str, Any]:
        """status.json."""
        value: dict[str, Any] = json.loads((self.folder / "status.json").read_text())
        return value

    def events(self, kind: str) -> list[dict[str, Any]]:
        """All whole events of a kind, oldest first."""
        lines = (self.folder / "events.jsonl").read_text().splitlines(keepends=True)
        return [e for e in map(json.loads, (x for x in lines if x.endswith("\n"))) if e["type"] == kind]

    def checkpoint(self) -> int:
        """Step of the newest checkpoint, 0 without one."""
        return max((int(p.stem.removeprefix("step-")) for p in self.folder.glob("checkpoints/step-*.json")), default=0)


def wait_until(reached: Callable[[], bool], process: "subprocess.Popen[str] | None" = None) -> None:
    """Wait for a condition; fail when `process` ends before it, or the limit is over."""
    deadline = time.monotonic() + LIMIT_S
    while not reached():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}: {process.communicate()}")
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def prepared(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """12 photos, worked on up to their pairs, once for all tests of a process."""
    from realign_edge.progress import Silent
    from realign_edge.shopfloor.floor import write_floor

    folder = tmp_path_factory.mktemp("prepared")
    write_floor(folder / "floor", 12, seed=3, size=96, progress=Silent())

    def config(steps: int, every: int) -> Path:
        path = folder / f"{steps}-{every}.toml"
        path.write_text(SETTINGS.format(model=tiny_model, steps=steps, every=every))
        return path

    found = subprocess.run(
        [EXECUTABLE, "align", str(folder / "floor"), "--config", str(config(1, 1)), "--until", "pairs"],
        env={**os.environ, "REALIGN_EDGE_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
    )
    assert found.returncode in (0, 4), found.stderr
    shutil.rmtree(folder / "home" / "runs")
    return Prepared(folder / "floor", folder / "home", config)


@pytest.fixture
def watched(prepared: Prepared, home: Path) -> Watched:
    """A copy of the prepared home, as this test's own."""
    shutil.copytree(prepared.home, home, dirs_exist_ok=True)
    return Watched(home)


@pytest.fixture
def until() -> Callable[..., None]:
    """`wait_until`."""
    return wait_until


@pytest.fixture
def station(home: Path, station_bundle: Path) -> Path:
    """A state folder with an active, signed bundle."""
    folder = home / "bundles" / "tried"
    shutil.copytree(station_bundle, folder)
    training = Training("run", "c" * 64, 28, 12, {}, True, "Adopt.")
    seal(
        folder, workstation_key(home), created="2026-11-25T20:00:00+00:00", site="", tools={}, preprocessing={},
        base=BaseModel("nano", "llava", "0" * 16), training=training, parity=(),
        precisions=dict.fromkeys(("vision_encoder", "embed_tokens", "decoder_model_merged"), "fp32"),
    )  # fmt: skip
    (home / "bundles" / "current").symlink_to("tried")
    return home


@pytest.fixture
def incoming(tmp_path: Path, small_floor: Path) -> Path:
    """Three photos of the floor under names of their own, and two files that are none."""
    folder = tmp_path / "incoming"
    folder.mkdir()
    for number, photo in enumerate(sorted((small_floor / "photos").rglob("*.jpg"))[:3]):
        shutil.copy(photo, folder / f"L77_{number:03d}_a.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0cut off")
    (folder / "mail.png").write_text("hello")
    return folder


@pytest.fixture(scope="session")
def opened_namespace() -> list[str]:
    """How a mount namespace is opened here; empty where it is not permitted."""
    for words in (["unshare", "-m"], ["unshare", "-Urm"]):
        probe = [*words, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if subprocess.run(probe, capture_output=True).returncode == 0:
            return words
    return []
