"""A family whose photos are patches, from `align` to a verdict: the commands, in processes of their own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from realign_edge.progress import Silent
from realign_edge.shopfloor.floor import write_floor
from tests.parity.families.recipes import qwen2_5_vl

Command = Callable[..., subprocess.CompletedProcess[str]]
SETTINGS = """model = "{model}"
photo_tokens = 64
[pairs]
min_reference_gap = -1e9
[retrieval]
max_similarity = 1.0
[alignment]
steps = 1
batch_pairs = 2
lora_rank = 2
[evaluation]
resamples = 200
habit_photos = 1
max_photos = 2
[export]
precisions = ["fp32"]
parity_photos = 2
calibration_photos = 2
golden_photos = 1
max_new_tokens = 24
"""


def test_from_photos_of_any_shape_to_verdicts(command: Command, home: Path, tmp_path: Path) -> None:
    qwen2_5_vl(tmp_path / "model", heads=2)
    write_floor(tmp_path / "floor", 10, seed=3, size=96, progress=Silent())
    (tmp_path / "align.toml").write_text(SETTINGS.format(model=tmp_path / "model"))
    aligned = command("align", tmp_path / "floor", "--config", tmp_path / "align.toml", "--quiet")
    # An untrained model says nothing, which is no reason to adopt it.
    assert aligned.returncode in (0, 4), aligned.stderr
    bundle = home / "runs" / "latest" / "bundle"
    told = json.loads((bundle / "station.json").read_text())
    assert (told["positions"], told["cache"], told["image_tokens"]) == ("mrope", "shared", 0)
    assert (told["preprocess"]["most"], told["preprocess"]["window"]) == (64 * 28 * 28, 2)
    parity = json.loads((bundle / "parity.json").read_text())
    assert parity["route"] == "own"
    assert all(row["figures"]["tokens"] == 1 for row in parity["graphs"])
    key = home / "keys" / "workstation.pub"
    installed = command("bundle", "install", bundle, "--trust", key)
    assert installed.returncode == 0, installed.stderr
    assert command("bundle", "verify").returncode == 0
    seen = command("inspect", tmp_path / "floor" / "photos", "--json")
    assert seen.returncode == 0, seen.stderr
    assert len(json.loads(seen.stdout)["photos"]) == 10
