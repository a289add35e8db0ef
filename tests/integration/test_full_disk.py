"""The disk fills in the middle of training: one clear error, nothing lost, and the same adapter afterwards."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from realign_edge.files import sha256_file

WORKER = Path(__file__).with_name("full_disk.py")
EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
STEPS, EVERY = 40, 2


def test_a_full_disk_in_training_is_one_clear_error_and_loses_nothing(
    prepared: Any, watched: Any, opened_namespace: list[str]
) -> None:
    opened = opened_namespace
    means = "tmpfs" if opened else "limit"
    config = prepared.config(STEPS, EVERY)
    words = [sys.executable, str(WORKER), means, str(watched.home), str(prepared.photos), str(config)]
    found = subprocess.run([*opened, *words], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    about = json.loads(found.stdout)
    assert about["code"] == 1, about["errors"]
    told = {"tmpfs": "error: No space left on device", "limit": "error: File too large"}[means]
    assert about["errors"].startswith(told)
    assert "run the same command again" in about["errors"]
    assert "Traceback" not in about["errors"]
    assert len(about["errors"].splitlines()) == 2
    assert about["status"]["state"] == "failed"
    assert f"error: {about['status']['error']}\n" in about["errors"]
    assert about["checkpoints"]
    assert all(about["checkpoints"].values())
    assert (about["left"], about["torn"], about["adapter_too_early"]) == ([], False, False)
    assert (about["again_code"], about["again_errors"]) == (0, "")
    assert about["resumed"] == [int(max(about["checkpoints"]).removeprefix("step-"))]
    assert about["adapter"] == undisturbed(prepared, config)


def undisturbed(prepared: Any, config: Path) -> str:
    """The adapter's SHA-256 where nothing happened; made once."""
    kept = prepared.home.with_name("undisturbed")
    if not kept.exists():
        shutil.copytree(prepared.home, kept)
        found = subprocess.run(
            [EXECUTABLE, "align", str(prepared.photos), "--config", str(config), "--until", "train"],
            env={**os.environ, "REALIGN_EDGE_HOME": str(kept)},
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, found.stderr
    return sha256_file(next(kept.glob("runs/2*/adapter/adapter_model.safetensors")))
