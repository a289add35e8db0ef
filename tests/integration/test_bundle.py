"""From `align` to a station: a bundle is exported, carried over, verified, installed, tried and rolled back."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from realign_edge.bundle.keys import workstation_key
from realign_edge.bundle.manifest import parse_manifest
from realign_edge.bundle.seal import seal
from realign_edge.bundle.store import current
from realign_edge.bundle.trust import TrustedKeys
from realign_edge.bundle.verify import verify_bundle

Command = Callable[..., subprocess.CompletedProcess[str]]
EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
SETTINGS = """model = "{model}"
[pairs]
min_reference_gap = -1e9
[retrieval]
max_similarity = 1.0
[alignment]
steps = 2
batch_pairs = 4
lora_rank = 4
[evaluation]
resamples = 200
habit_photos = 2
max_photos = 4
[export]
parity_photos = 3
calibration_photos = 4
golden_photos = 2
"""


@dataclass(frozen=True)
class Workstation:
    """A home in which a run was aligned and exported, and what the command said of that."""

    home: Path
    photos: Path
    said: str
    bundle: Path

    @property
    def key(self) -> Path:
        """The file to carry to stations."""
        return self.home / "keys" / "workstation.pub"

    @property
    def trusted(self) -> TrustedKeys:
        """With the workstation's key."""
        return TrustedKeys((workstation_key(self.home).public,))

    def run(self, *arguments: str | Path, **more: Any) -> "subprocess.CompletedProcess[str]":
        """A command on the workstation."""
        environment = {**os.environ, "REALIGN_EDGE_HOME": str(self.home), "COLUMNS": "80"}
        words = [EXECUTABLE, *map(str, arguments)]
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, **more)


@pytest.fixture(scope="session")
def workstation(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Workstation:
    """14 photos aligned and exported with the tiny model, once for all tests of a process."""
    from realign_edge.progress import Silent
    from realign_edge.shopfloor.floor import write_floor

    folder = tmp_path_factory.mktemp("workstation")
    write_floor(folder / "floor", 14, seed=3, size=96, progress=Silent())
    (folder / "align.toml").write_text(SETTINGS.format(model=tiny_model))
    home = folder / "home"
    home.mkdir()
    made = Workstation(home, folder / "floor", "", home / "runs" / "latest" / "bundle")
    found = made.run("align", folder / "floor", "--config", folder / "align.toml", "--quiet")
    assert found.returncode in (0, 4), found.stderr
    return Workstation(home, folder / "floor", found.stdout, made.bundle.resolve())


@pytest.fixture
def carried(workstation: Workstation, tmp_path: Path) -> Path:
    """The bundle on a stick."""
    return Path(shutil.copytree(workstation.bundle, tmp_path / "stick" / "bundle"))


def sealed_anew(bundle: Path, workstation: Workstation) -> str:
    """Sign a changed bundle with the workstation's own key; its id."""
    manifest = parse_manifest((bundle / "manifest.json").read_bytes())
    left = ("id", "model_sha256", "files", "format")
    about = {f.name: getattr(manifest, f.name) for f in fields(manifest) if f.name not in left}
    return seal(bundle, workstation_key(workstation.home), **about).id


def test_the_job_ends_with_a_bundle_that_says_what_it_is(workstation: Workstation) -> None:
    manifest = verify_bundle(workstation.bundle, workstation.trusted)
    assert manifest.id in workstation.said
    assert "Precisions, against the torch model" in workstation.said
    assert max(map(len, workstation.said.splitlines())) <= 80
    names = {f.path for f in manifest.files}
    assert {"station.json", "rules.toml", "glossary.toml", "evaluation.json", "parity.json", "baseline.json"} <= names
    assert {"index/vectors.npy", "index/records.jsonl", "golden/golden.json", "tokenizer.json"} <= names
    assert sum(n.startswith("index/thumbnails/") for n in names) == manifest.training.photos
    parity = json.loads((workstation.bundle / "parity.json").read_text())
    assert parity["used"] == dict(manifest.precisions)
    assert parity["merge"]["difference"] < 1e-3 < parity["merge"]["adapter"]
    exact = [r for r in parity["graphs"] if r["precision"] == "fp32"]
    assert [r["passed"] for r in exact] == [True] * 3
    assert all(r["figures"]["tokens"] == 1 for r in exact)
    # Only what is used is shipped, and what did not pass says why.
    assert sum(n.endswith(".onnx") for n in names) == 3
    assert all(r["passed"] or r["reason"] for r in parity["graphs"])
    # Whole verdicts were compared with fp32's, unless something else left the precision out already.
    coarse = [r for r in parity["graphs"] if r["precision"] != "fp32"]
    assert all(r["figures"]["verdicts_n"] == 4 for r in coarse if r["passed"])
    assert all("verdicts" not in r["figures"] for r in exact)
    if set(parity["used"].values()) != {"fp32"}:
        assert parity["together"]["verdicts"] >= parity["bars"]["min_verdicts"]
        assert "together:" in " ".join(workstation.said.split())
    # Thresholds are those of the graphs that are shipped.
    station = json.loads((workstation.bundle / "station.json").read_text())
    assert station["thresholds"] == {n: t["value"] for n, t in parity["thresholds"].items()}
    assert not (workstation.bundle.parent / "export").exists()


def test_exported_again_it_is_the_same_and_other_precisions_make_another(
    workstation: Workstation, tmp_path: Path
) -> None:
    first = parse_manifest((workstation.bundle / "manifest.json").read_bytes())
    found = workstation.run("export", "latest", "--json", "--quiet")
    assert found.returncode == 0, found.stderr
    assert (json.loads(found.stdout)["bundle"], json.loads(found.stdout)["new"]) == (first.id, False)
    other = workstation.run("export", "--precision", "fp32", "--site", "Werk 2", "--out", tmp_path / "other", "--json")
    assert other.returncode == 0, other.stderr
    manifest = verify_bundle(tmp_path / "other", workstation.trusted)
    assert {*manifest.precisions.values()} == {"fp32"}
    assert (manifest.site, first.site) == ("Werk 2", "")
    # The run's own bundle is untouched.
    assert verify_bundle(workstation.bundle, workstation.trusted).id == first.id
    assert workstation.run("export", "--precision", "fp16").returncode == 2


def test_an_export_that_is_killed_goes_on(workstation: Workstation, tmp_path: Path) -> None:
    words = [
        EXECUTABLE,
        "export",
        "--precision",
        "fp32",
        "--out",
        str(tmp_path / "b"),
        "--quiet",
    ]
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(workstation.home)}
    steps = workstation.bundle.parent / "export" / "steps.json"
    process = subprocess.Popen(words, env=environment)
    deadline = time.monotonic() + 120
    while not (steps.exists() and "graphs" in steps.read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "b").exists()
    graphs = steps.parent / "onnx" / "vision_encoder.onnx"
    written = graphs.stat().st_mtime_ns
    process = subprocess.Popen(words, env=environment)
    while steps.exists() and process.poll() is None:
        assert not graphs.exists() or graphs.stat().st_mtime_ns == written
        time.sleep(0.02)
    assert process.wait() == 0
    assert verify_bundle(tmp_path / "b", workstation.trusted)
    assert not (workstation.bundle.parent / "export").exists()


def test_a_station_takes_only_what_it_was_told_to_trust(
    command: Command, home: Path, carried: Path, workstation: Workstation
) -> None:
    refused = command("bundle", "install", carried)
    assert refused.returncode == 1
    assert "a key that is not trusted here" in refused.stderr
    assert "--trust workstation.pub" in refused.stderr
    assert command("bundle", "list").stdout.strip() == ""
    found = command("bundle", "install", carried, "--trust", workstation.key)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("active: ")
    assert "trusted from now on" in found.stderr
    assert command("bundle", "install", carried).stdout.splitlines()[0].endswith("was active already, and stays so")
    for arguments in (["verify", carried], ["list"], ["show"]):
        shown = command("bundle", *arguments)
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout
        assert max(map(len, shown.stdout.splitlines())) <= 80
    assert json.loads(command("bundle", "show", "--json").stdout)["id"] == current(home).name
    key = command("bundle", "keys", "list").stdout.split()[0]
    assert command("bundle", "keys", "revoke", key).returncode == 0
    gone = command("bundle", "verify")
    assert gone.returncode == 1
    assert "was revoked on this machine" in gone.stderr


def test_trust_on_first_use_shows_the_fingerprint(command: Command, carried: Path, workstation: Workstation) -> None:
    found = command("bundle", "install", carried, "--trust-this-key", "--quiet")
    assert found.returncode == 0, found.stderr
    assert workstation_key(workstation.home).public.fingerprint in found.stderr


def test_what_was_changed_is_named_and_not_installed(
    command: Command, home: Path, carried: Path, workstation: Workstation
) -> None:
    with (carried / "rules.toml").open("ab") as file:
        file.write(b"\n")
    (carried / "extra.txt").touch()
    verified = command("bundle", "verify", carried, "--trust", workstation.key, "--json")
    assert verified.returncode == 1
    value = json.loads(verified.stdout)
    assert not value["sound"]
    assert [(p["kind"], p["path"]) for p in value["problems"]] == [("extra", "extra.txt"), ("changed", "rules.toml")]
    found = command("bundle", "install", carried, "--trust", workstation.key)
    assert found.returncode == 1
    assert "extra: extra.txt" in found.stderr
    assert [p for p in (home / "bundles").iterdir() if p.name != ".lock"] == []


def test_a_failing_self_test_keeps_the_old_bundle_and_rollback_works(
    command: Command, home: Path, carried: Path, workstation: Workstation
) -> None:
    assert command("bundle", "install", carried, "--trust", workstation.key).returncode == 0
    first = current(home).name
    (carried / "rules.toml").write_text((carried / "rules.toml").read_text() + "\n# a second one\n")
    second = sealed_anew(carried, workstation)
    assert command("bundle", "install", carried).returncode == 0
    assert current(home).name == second
    golden = json.loads((carried / "golden/golden.json").read_text())
    for photo in golden["photos"]:
        photo["ids"] = [*photo["ids"][::-1], 5]
    (carried / "golden/golden.json").write_text(json.dumps(golden))
    sealed_anew(carried, workstation)
    failed = command("bundle", "install", carried)
    assert failed.returncode == 1
    assert "the self-test of the bundle failed" in failed.stderr
    assert f"the active bundle stays {second}" in failed.stderr
    assert current(home).name == second
    assert command("bundle", "rollback").stdout == f"active again: {first}\n"
    assert current(home).name == first
    assert command("bundle", "prune", "--keep", "0", "--json").stdout.split() == [
        "{",
        '"removed":',
        "[],",
        '"kept":',
        "2",
        "}",
    ]


def test_kill_9_during_install_leaves_the_old_or_the_new_one(
    command: Command, home: Path, carried: Path, workstation: Workstation
) -> None:
    assert command("bundle", "install", carried, "--trust", workstation.key).returncode == 0
    first = current(home).name
    (carried / "onnx" / "decoder_model_merged.onnx_data").write_bytes(random.Random(0).randbytes(48 * 2**20))
    second = sealed_anew(carried, workstation)
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home)}
    chance, seen = random.Random(1), set()
    for _ in range(6):
        process = subprocess.Popen([EXECUTABLE, "bundle", "install", str(carried), "--quiet"], env=environment)
        time.sleep(chance.uniform(0.2, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen.add(current(home).name)
        assert verify_bundle(current(home), workstation.trusted).id in (first, second)
    assert seen <= {first, second}
    assert command("bundle", "install", carried).returncode == 0
    assert current(home).name == second
    assert sorted(p.name for p in (home / "bundles").iterdir()) == sorted(
        [".lock", "current", "previous", first, second]
    )


def test_a_station_needs_no_torch_and_no_transformers(
    command: Command,
    home: Path,
    carried: Path,
    workstation: Workstation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("torch", "transformers", "safetensors", "hnswlib", "peft", "scipy", "onnx"):
        (tmp_path / "without" / name).mkdir(parents=True)
        (tmp_path / "without" / name / "__init__.py").write_text(f"raise ImportError('{name} is not on a station')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'without'}{os.pathsep}{os.environ['PYTHONPATH']}")
    assert subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 1
    installed = command("bundle", "install", carried, "--trust", workstation.key)
    assert installed.returncode == 0, installed.stderr
    photo = next(workstation.photos.rglob("*.jpg"))
    found = command("inspect", photo, "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)


def test_changed_bytes_of_a_real_bundle_are_found_before_anything_is_loaded(workstation: Workstation) -> None:
    words = ["--bundle", workstation.bundle, "--key", workstation.key, "--changes", 80, "--installs", 10, "--seed", 3]
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.tamper", *map(str, words)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    report = json.loads(found.stdout)
    assert (report["detected"], report["named"], report["left_by_installs"]) == (80, 80, [])


def test_a_run_whose_photos_have_changed_is_not_exported(workstation: Workstation, tmp_path: Path) -> None:
    from realign_edge.errors import MissingError, UsageError
    from realign_edge.pipeline.bundling import job_of_run
    from realign_edge.progress import Silent
    from realign_edge.runs.run import Run

    folder = Path(shutil.copytree(workstation.bundle.parent, tmp_path / "run", symlinks=True))
    job = job_of_run(Run(folder), workstation.home, None, Silent())
    assert (len(job.photos), job.language, {*job.pairs} <= {"note", "where", "yes_no"}) == (14, "en", True)
    about = json.loads((folder / "run.json").read_text())
    about["inputs"]["photos or records"] = "another collection"
    (folder / "run.json").write_text(json.dumps(about))
    with pytest.raises(UsageError, match="have changed since run"):
        job_of_run(Run(folder), workstation.home, None, Silent())
    (folder / "config.toml").unlink()
    with pytest.raises(MissingError, match="nobody knows what run"):
        job_of_run(Run(folder), workstation.home, None, Silent())
