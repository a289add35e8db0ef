"""`align` and `doctor` on a machine with a GPU, in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from realign_edge.files import sha256_file

GATE = 4
# What a run is compared by; other files also tell times.
RESULTS = ("adapter/adapter_model.safetensors", "answers.json")


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path, encoder: Path) -> Path:
    path = tmp_path / "gpu.toml"
    path.write_text(
        f'model = "{tiny_model}"\ndevice = "cuda"\n[pairs]\nencoder = "{encoder}"\n'
        '[alignment]\nquantization = "nf4"\nsteps = 12\ncheckpoint_every = 3\n'
    )
    return path


def begin(home: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home)}
    line = [sys.executable, "-m", "realign_edge", *map(str, arguments)]
    return subprocess.Popen(line, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def align(home: Path, floor: Path, config: Path) -> Path:
    """The folder of the run."""
    process = begin(home, "align", floor, "--config", config, "--until", "evaluate", "--json", "--quiet")
    out, told = process.communicate(timeout=240)
    assert process.returncode in (0, GATE), told
    return Path(json.loads(out)["folder"])


def bytes_of(run: Path) -> dict[str, str]:
    return {str(p.relative_to(run)): sha256_file(p) for name in RESULTS for p in run.glob(name)}


def test_align_gives_the_same_bytes_again_and_after_a_kill(tmp_path: Path, small_floor: Path, config: Path) -> None:
    first = align(tmp_path / "a", small_floor, config)
    expected = bytes_of(first)
    assert expected.keys() == set(RESULTS)
    assert bytes_of(align(tmp_path / "b", small_floor, config)) == expected
    killed = begin(
        tmp_path / "c", "align", small_floor, "--config", config, "--until", "evaluate", "--quiet", "--plain"
    )
    deadline = time.monotonic() + 200
    while killed.poll() is None and not any((tmp_path / "c" / "runs").glob("*/checkpoints/*.json")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert not any((tmp_path / "c" / "runs").glob("*/adapter/adapter_model.safetensors"))
    assert bytes_of(align(tmp_path / "c", small_floor, config)) == expected


def test_doctor_knows_the_card(tmp_path: Path) -> None:
    process = begin(tmp_path / "home", "doctor", "--json")
    found = {c["name"]: c for c in json.loads(process.communicate(timeout=120)[0])["checks"]}
    assert found["CUDA"]["state"] == "ok"
    assert "GiB free" in found["CUDA"]["fact"]
    assert found["GPU driver"]["state"] == "ok"
