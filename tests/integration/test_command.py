"""The installed command in a process of its own: exit codes, what goes where, and the whole job on a tiny model."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from realign_edge.files import sha256_file

SETTINGS = """model = "{model}"
[pairs]
min_reference_gap = -1e9
[retrieval]
max_similarity = 1.0
[alignment]
steps = 6
batch_pairs = 4
lora_rank = 4
checkpoint_every = 2
[evaluation]
resamples = 200
habit_photos = 3
max_photos = 4
[export]
precisions = ["fp32"]
parity_photos = 2
calibration_photos = 2
golden_photos = 1
"""
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path) -> Path:
    path = tmp_path / "align.toml"
    path.write_text(SETTINGS.format(model=tiny_model))
    return path


@pytest.fixture(scope="session")
def few(small_floor: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 photos of the small floor."""
    folder = tmp_path_factory.mktemp("few") / "floor"
    shutil.copytree(small_floor, folder)
    for path in sorted(folder.rglob("*.jpg"))[16:]:
        path.unlink()
    return folder


def test_help_is_quick_to_load_and_pulls_in_nothing_heavy(command: Command) -> None:
    assert "align" in command("--help").stdout
    heavy = "torch transformers numpy textual tui peft onnxruntime rich.progress"
    script = f"import sys; import realign_edge.cli.main; print([m for m in {heavy.split()} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        *[(name,) for name in ("demo", "align", "watch", "index", "similar")],
        *[("pairs", name) for name in ("build", "list", "export", "import")],
        *[("models", name) for name in ("add", "list", "show", "verify")],
        *[("runs", name) for name in ("list", "show", "compare", "stop", "pause", "resume", "prune")],
        ("results", "review"),
    ],
)
def test_every_command_explains_itself_with_an_example(command: Command, arguments: tuple[str, ...]) -> None:
    found = command(*arguments, "--help")
    assert found.returncode == 0
    assert "Example:" in found.stdout or not arguments


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("align", "nowhere"), 3, "no photo folder at nowhere"),
        (("align", ".", "--preset", "papre"), 2, "unknown preset `papre`"),
        (("align", ".", "--objective", "rpdo"), 2, "did you mean `rdpo`"),
        (("align", ".", "--until", "lunch"), 2, "unknown stage"),
        (("align", ".", "--config", "gone.toml"), 2, "gone.toml cannot be read"),
        (("align", "--nonsense"), 2, "No such option"),
        (("models", "show", "x"), 3, "no model `x`"),
        (("models", "verify", "x"), 3, "no model `x`"),
        (("models", "add", "gone"), 3, "there is no gone"),
        (("models", "add", "."), 3, "no config.json in it"),
        (("runs", "show", "x"), 3, "no run `x`"),
        (("watch", "x"), 3, "no run `x`"),
        (("watch", "--lang", "fr"), 2, "unknown language `fr`"),
        (("align", ".", "--theme", "pink"), 2, "unknown theme `pink`"),
        (("watch", "--image-mode", "3d"), 2, "unknown image mode `3d`"),
        (("pairs", "list", "."), 3, "no pairs for ."),
        (("similar", "gone.jpg"), 3, "cannot be used"),
    ],
)
def test_failures_say_what_and_exit_as_documented(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    found = command(*arguments, cwd=tmp_path)
    assert (found.returncode, found.stdout) == (code, "")
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_an_unknown_model_is_missing(command: Command, few: Path) -> None:
    found = command("index", few, "--model", "gpt-9")
    assert found.returncode == 3
    assert "no model `gpt-9`" in found.stderr


def test_the_whole_job_and_again(command: Command, few: Path, config: Path) -> None:
    first = command("align", few, "--config", config, "--json")
    assert first.returncode in (0, 4), first.stderr
    value = json.loads(first.stdout)
    run = Path(value["folder"])
    assert value["photos"]["read"] == 16
    assert sum(value["pairs"]["built"].values()) > 10
    assert value["evaluation"]["photos"] == 4
    for name in (
        "config.toml",
        "run.json",
        "events.jsonl",
        "status.json",
        "evaluation.json",
        "adapter/adapter_config.json",
    ):
        assert (run / name).exists(), name
    adapter = sha256_file(run / "adapter" / "adapter_model.safetensors")
    again = command("align", few, "--config", config, "--json")
    assert json.loads(again.stdout)["run"] == value["run"]
    assert json.loads(again.stdout)["skipped"] == ["vision features", "training", "evaluation", "export"]
    assert json.loads(again.stdout)["bundle"] == value["bundle"]
    assert sha256_file(run / "adapter" / "adapter_model.safetensors") == adapter
    shown = command("align", few, "--config", config)
    assert "Held-out photos (n = 4)" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    listed = command("pairs", "list", few, "-n", "2")
    assert listed.stdout.count("rejected") == 2
    assert value["run"] in command("runs", "list").stdout


def test_photos_without_records_are_aligned_to_the_models_own_answers_and_not_recommended(
    command: Command, few: Path, config: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for i, path in enumerate(sorted(few.rglob("*.jpg"))[:10]):
        shutil.copy(path, bare / f"{i}.jpg")
    found = command("align", bare, "--config", config)
    assert found.returncode == 4, found.stderr
    assert "No decision: no held-out photo has an inspection record" in found.stdout


def test_kill_9_in_any_stage_then_again_ends_with_the_same_adapter(
    command: Command, small_floor: Path, config: Path, tmp_path: Path
) -> None:
    whole = json.loads(command("align", small_floor, "--config", config, "--json").stdout)
    expected = sha256_file(Path(whole["folder"]) / "adapter" / "adapter_model.safetensors")
    other = tmp_path / "other"
    executable = str(Path(sys.executable).with_name("realign-edge"))
    arguments = [executable, "align", str(small_floor), "--config", str(config), "--json", "--quiet"]
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(other)}
    watched: dict[str, Callable[[], bool]] = {
        "vision features": lambda: any((other / "features").rglob("*.safetensors")),
        "pairs": lambda: attempted(other) > 0,
        "training": lambda: '"step": 3' in events(other),
        "evaluation": lambda: '"stage": "evaluate"' in status(other),
    }
    for stage, reached in watched.items():
        process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 90
        while process.poll() is None and not reached() and time.monotonic() < deadline:
            time.sleep(0.005)
        assert process.poll() is None, f"the run ended before it could be killed in {stage}"
        process.send_signal(signal.SIGKILL)
        process.wait()
    ended = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=200)
    assert ended.returncode in (0, 4), ended.stderr
    adapter = Path(json.loads(ended.stdout)["folder"]) / "adapter" / "adapter_model.safetensors"
    assert sha256_file(adapter) == expected


def attempted(home: Path) -> int:
    """Photos whose pairs are stored."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{home / 'catalog.sqlite'}?mode=ro", uri=True)) as catalog:
            return int(catalog.execute("SELECT COUNT(*) FROM attempts").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def status(home: Path) -> str:
    return "".join(p.read_text() for p in (home / "runs").rglob("status.json"))


def events(home: Path) -> str:
    return "".join(p.read_text() for p in (home / "runs").rglob("events.jsonl"))


def test_ctrl_c_leaves_a_run_that_goes_on(command: Command, home: Path, few: Path, config: Path) -> None:
    executable = str(Path(sys.executable).with_name("realign-edge"))
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home)}
    arguments = [executable, "align", str(few), "--config", str(config)]
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while '"step": 1' not in events(home) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "run the same command again to go on" in errors
    assert command("align", few, "--config", config, "--quiet", "--json").returncode in (0, 4)


def test_it_works_in_a_network_namespace_without_any_network(home: Path, few: Path, config: Path) -> None:
    probe = subprocess.run(["unshare", "-n", "true"], capture_output=True)
    if probe.returncode:
        pytest.skip("this machine does not allow unshare -n")
    executable = str(Path(sys.executable).with_name("realign-edge"))
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home)}
    for arguments in (["demo", str(home / "floor"), "--photos", "4"], ["align", str(few), "--config", str(config)]):
        found = subprocess.run(
            ["unshare", "-n", executable, *arguments], env=environment, capture_output=True, text=True
        )
        assert found.returncode in (0, 4), found.stderr
    assert "Held-out photos (n = 4)" in found.stdout
