"""`realign-edge models` in a process of its own: what is said, what a kill or a full disk leaves, and use by name."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

Command = Callable[..., subprocess.CompletedProcess[str]]
EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
SECOND = "model-00002-of-00002.safetensors"
PADDING_MIB = 192


@pytest.fixture
def large(model_folder: Path) -> Path:
    """The model folder with one more tensor, so that a copy takes a moment."""
    index = json.loads((model_folder / "model.safetensors.index.json").read_text())
    index["weight_map"]["vision_tower.padding"] = "model-00003-of-00003.safetensors"
    (model_folder / "model.safetensors.index.json").write_text(json.dumps(index))
    padding = {"vision_tower.padding": np.zeros(PADDING_MIB * 2**20, np.uint8)}
    save_file(padding, model_folder / "model-00003-of-00003.safetensors")
    return model_folder


def left(home: Path) -> list[str]:
    return sorted(p.name for p in (home / "models").iterdir() if p.name != ".lock")


def killed_in_mid_copy(folder: Path, home: Path, number: int) -> tuple[int, str]:
    """Exit code and stderr of an add that gets a signal once the large file has begun."""
    process = subprocess.Popen(
        [EXECUTABLE, "models", "add", str(folder), "--quiet"],
        env={**os.environ, "REALIGN_EDGE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    begun = home / "models" / ".plant-llava.adding" / "model-00003-of-00003.safetensors"
    deadline = time.monotonic() + 60
    while not (begun.exists() and begun.stat().st_size) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.poll() is None, process.communicate()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_kill_9_in_mid_copy_leaves_no_model_and_a_second_add_works(command: Command, home: Path, large: Path) -> None:
    assert killed_in_mid_copy(large, home, signal.SIGKILL)[0] == -signal.SIGKILL
    assert "plant-llava" not in left(home)
    assert "plant-llava" not in command("models", "list").stdout
    assert left(home) == []
    assert killed_in_mid_copy(large, home, signal.SIGKILL)[0] == -signal.SIGKILL
    assert command("models", "add", large).returncode == 0
    assert left(home) == ["plant-llava"]
    assert command("models", "verify", "plant-llava").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_copy_leaves_nothing_at_all(home: Path, large: Path, number: int) -> None:
    code, errors = killed_in_mid_copy(large, home, number)
    assert code == 130
    assert errors.splitlines()[-2:] == [
        "error: stopped, and nothing is left of the copy",
        "hint: run the same command again",
    ]
    assert left(home) == []


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(command: Command, home: Path, large: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))

    found = command("models", "add", large, "--quiet", preexec_fn=limit)
    assert found.returncode == 1
    assert found.stderr.startswith("error: copying plant-llava failed, and nothing is left of it: File too large")
    assert "run the same command again" in found.stderr
    assert len(found.stderr.splitlines()) == 2
    assert left(home) == []


def namespace() -> list[str]:
    for words in (["unshare", "-m"], ["unshare", "-Urm"]):
        if not subprocess.run([*words, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode:
            return words
    return []


def test_a_stick_that_cannot_be_written_to_and_a_disk_that_is_too_small(home: Path, large: Path) -> None:
    opened = namespace()
    if not opened:
        pytest.skip("this machine does not allow mount namespaces")
    stick, place = large.parent, home / "models"
    place.mkdir()
    script = (
        f"mount -t tmpfs -o size=100m tmpfs {place} && mount --bind -o ro {stick} {stick} && "
        f"mount -o remount,bind,ro {stick} && ! touch {large}/x 2>/dev/null && "
        f"{EXECUTABLE} models add {large} --quiet; echo code $?; "
        f"mount -o remount,size=300m {place}; {EXECUTABLE} models add {large} --quiet; echo code $?; ls -A {place}"
    )
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "COLUMNS": "80"}
    found = subprocess.run([*opened, "sh", "-c", script], env=environment, capture_output=True, text=True)
    first, _, second = found.stdout.partition("code 1\n")
    assert (first, second.splitlines()[-3:]) == ("", ["code 0", ".lock", "plant-llava"]), found.stderr
    assert "the model takes 0.2 GiB, and " in found.stderr
    assert "nothing was copied" in found.stderr


def test_add_list_verify_for_people(command: Command, model_folder: Path) -> None:
    (model_folder / "modeling_x.py").write_text("raise SystemExit")
    found = command("models", "add", model_folder)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("plant-llava: LLaVA-1.5, 1.56 k parameters, ")
    assert "left out, not needed: modeling_x.py" in found.stderr
    assert "Copying: " in found.stderr
    again = command("models", "add", model_folder)
    assert "plant-llava is already there" in again.stdout
    listed = command("models", "list")
    rows = [line.split() for line in listed.stdout.splitlines()]
    assert rows[0] == ["model", "family", "parameters", "size", "licence", "commercial"]
    assert rows[1][:4] == ["nano", "(embedded)", "LLaVA-1.5", "3.62"]
    assert rows[2][0] == "plant-llava"
    assert rows[2][-4:] == ["Llama", "2", "Community", "yes"]
    for output in (found, again, listed):
        assert max(map(len, output.stdout.splitlines())) <= 80


def test_add_list_verify_for_programs(command: Command, home: Path, model_folder: Path) -> None:
    added = json.loads(command("models", "add", model_folder, "--json", "--name", "ours", "--quiet").stdout)
    assert (added["model"], added["new"], added["folder"]) == ("ours", True, str(home / "models" / "ours"))
    assert added["manifest"]["files"].keys() == {p.name for p in model_folder.iterdir()}
    assert json.loads((home / "models" / "ours" / "manifest.json").read_text()) == added["manifest"]
    listed = json.loads(command("models", "list", "--json").stdout)
    assert [m["model"] for m in listed["models"]] == ["nano", "ours"]
    assert listed["models"][1]["licence"] == "llama2"
    assert listed["damaged"] == []
    folder = home / "models" / "ours"
    (folder / SECOND).write_bytes(b"x")
    (folder / "LICENSE").unlink()
    (folder / "config.json").unlink()
    (folder / "evil.py").touch()
    found = command("models", "verify", "ours", "--json", "--quiet")
    value = json.loads(found.stdout)
    assert (found.returncode, found.stderr, value["sound"]) == (1, "", False)
    assert [value[k] for k in ("changed", "missing", "extra")] == [[SECOND], ["LICENSE", "config.json"], ["evil.py"]]
    people = command("models", "verify", "ours")
    assert people.stdout.splitlines() == [
        f"changed  {SECOND}",
        "missing  LICENSE",
        "missing  config.json",
        "extra    evil.py",
    ]
    assert "damaged: ours:" in command("models", "list").stderr


def test_an_added_model_is_found_and_used_by_its_name(
    command: Command, home: Path, tiny_model: Path, small_floor: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model, tmp_path / "tiny")
    refused = command("models", "add", tmp_path / "tiny")
    assert (refused.returncode, "holds no licence text" in refused.stderr) == (3, True)
    (tmp_path / "tiny" / "LICENSE").write_text("Apache License\nVersion 2.0, January 2004\n")
    assert command("models", "add", tmp_path / "tiny", "--quiet").returncode == 0
    shutil.rmtree(tmp_path / "tiny")
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in sorted(small_floor.rglob("*.jpg"))[:4]:
        shutil.copy(path, photos)
    found = command("align", photos, "--model", "tiny", "--until", "index", "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["photos"]["read"] == 4


def test_a_gpu_preset_says_what_is_missing_and_leaves_no_run(
    command: Command, home: Path, tiny_model: Path, small_floor: Path, tmp_path: Path
) -> None:
    import torch

    photos = tmp_path / "photos"
    photos.mkdir()
    for path in sorted(small_floor.rglob("*.jpg"))[:4]:
        shutil.copy(path, photos)
    found = command("align", photos, "--preset", "gpu-16gb", "--quiet")
    assert found.returncode == 3
    assert "preset gpu-16gb is made for Qwen/Qwen3-VL-8B-Instruct, which is not on this machine" in found.stderr
    assert "docs/models.md" in found.stderr
    if not torch.cuda.is_available():
        found = command("align", photos, "--preset", "gpu-16gb", "--model", tiny_model, "--quiet")
        assert found.returncode == 2
        assert 'device = "cuda" (preset gpu-16gb), and this machine has no GPU' in found.stderr
    (tmp_path / "fine.toml").write_text("photo_tokens = 640\n")
    found = command("align", photos, "--config", tmp_path / "fine.toml", "--model", tiny_model, "--quiet")
    assert found.returncode == 2
    assert "photo_tokens = 640: the checkpoint says how many tokens a photo takes" in found.stderr
    assert json.loads(command("runs", "list", "--json").stdout)["runs"] == []


def test_presets_for_people_and_for_programs(command: Command) -> None:
    shown = command("models", "presets")
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:5]] == [f"gpu-{n}gb" for n in (12, 16, 24, 48)]
    assert "use one with: realign-edge align PHOTOS --preset gpu-24gb" in shown.stderr
    told = json.loads(command("models", "presets", "--json").stdout)["presets"]
    fitting = json.loads(command("models", "presets", "--gpu", "24", "--json").stdout)["models"]
    assert {row["model"] for row in told if row["gpu_gb"] <= 24} <= {row["model"] for row in fitting}
    assert all(row["peak_bytes"] <= row["limit_bytes"] for row in fitting)
    people = command("models", "presets", "--gpu", "24")
    assert max(map(len, [*shown.stdout.splitlines(), *people.stdout.splitlines()])) <= 80
    assert command("models", "presets", "--gpu", "1").stdout == "no known model fits\n"
    assert command("models", "presets", "--gpu", "0").returncode == 2


def test_a_name_that_is_nearly_right_is_put_right(command: Command) -> None:
    assert "did you mean `nano`?" in command("models", "show", "Nanno").stderr
