"""A model whose photos are cut into tiles, from `align` to a station's verdicts."""

import json
import os
import subprocess
import sys
from pathlib import Path

from realign_edge.progress import Silent
from realign_edge.shopfloor.floor import write_floor
from tests.parity.families.recipes_more import internvl

# Two tiles and an overview of 256 tokens each, as the family counts them.
SETTINGS = """model = "{model}"
photo_tokens = 768
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
"""


def run(home: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "realign_edge", *map(str, arguments)]
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "COLUMNS": "80"}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)


def test_it_is_aligned_exported_installed_and_inspects(tmp_path: Path) -> None:
    write_floor(tmp_path / "floor", 10, seed=3, size=96, progress=Silent())
    internvl(tmp_path / "tiny-internvl", head=16)
    (tmp_path / "align.toml").write_text(SETTINGS.format(model=tmp_path / "tiny-internvl"))
    plant, station = tmp_path / "plant", tmp_path / "station"
    made = run(plant, "align", tmp_path / "floor", "--config", tmp_path / "align.toml", "--quiet")
    # Random weights are not recommended for adoption.
    assert made.returncode in (0, 4), made.stderr
    bundle = plant / "runs" / "latest" / "bundle"
    about = json.loads((bundle / "station.json").read_text())
    # What the run was limited to, and what stands around a photo.
    assert (about["preprocess"]["kind"], about["preprocess"]["most"], about["image_tokens"]) == ("canvas", 2, 0)
    assert [len(ids) for ids in about["layout"]["between"]["*"]] == [1, 1]
    rows = json.loads((bundle / "parity.json").read_text())["graphs"]
    assert [r["figures"]["tokens"] for r in rows] == [1, 1, 1]
    installed = run(station, "bundle", "install", bundle, "--trust", plant / "keys" / "workstation.pub", "--json")
    assert installed.returncode == 0, installed.stderr
    assert run(station, "bundle", "verify").returncode == 0
    inspected = run(station, "inspect", tmp_path / "floor", "--json", "--quiet")
    assert inspected.returncode == 0, inspected.stderr
    photos = json.loads(inspected.stdout)["photos"]
    assert len(photos) == 10
    assert all(p["verdict"] in ("PASS", "FAIL", "REVIEW") and p["description"] for p in photos)
