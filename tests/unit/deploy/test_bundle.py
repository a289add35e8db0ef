"""The offline bundle: the same bytes for the same inputs, signed, with a bill of materials and every licence."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import licences, sbom, wheels
from deploy.make_bundle import build, main
from deploy.release_key import public_pem, release_key
from deploy.wheels import BuildError, Wheel, has_cuda, least_glibc, read

EPOCH = 1_767_225_600
Wheelhouse = Callable[[str], Path]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "some-vlm"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "LICENSE").write_text("free")
    return folder


def test_same_inputs_give_the_same_bytes(wheelhouse: Wheelhouse, model: Path, tmp_path: Path) -> None:
    house, key = wheelhouse("1.0"), tmp_path / "release.key"
    first = build("station", tmp_path / "a", key, [model], EPOCH, house)
    for wheel in house.iterdir():
        os.utime(wheel, (1, 1))
    second = build("station", tmp_path / "b", key, [model], EPOCH, house)
    assert first.read_bytes() == second.read_bytes()
    assert first.name == second.name and "1.0-station-cp3" in first.name


def test_archive_holds_all_that_it_promises(wheelhouse: Wheelhouse, model: Path, tmp_path: Path) -> None:
    archive = build("station", tmp_path / "out", tmp_path / "release.key", [model], EPOCH, wheelhouse("1.0"))
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "x", filter="data")
        assert all((m.uid, m.mtime) == (0, EPOCH) for m in tar)
    folder = next((tmp_path / "x").iterdir())
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert {"install.sh", "bundle.json", "sbom.cdx.json", "SHA256SUMS", "SHA256SUMS.sig"} <= there
    assert {"etc/realign-edge.toml", "systemd/realign-edge-inspect.service", "models/some-vlm/config.json"} <= there
    assert "licences/realign-edge-1.0/LICENSE" in there and "doc/operations.md" in there
    listed = dict(line.split("  ", 1)[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert listed.keys() == there - {"SHA256SUMS", "SHA256SUMS.sig"}
    assert all(hashlib.sha256((folder / n).read_bytes()).hexdigest() == d for n, d in listed.items())
    bom = json.loads((folder / "sbom.cdx.json").read_text())
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    parts = {c["name"]: c for c in bom["components"]}
    assert parts["realign-edge"]["purl"] == "pkg:pypi/realign-edge@1.0"
    assert parts["realign-edge"]["licenses"][0]["license"]["id"] == "Apache-2.0"
    wheel = next(folder.glob("wheels/realign_edge-*.whl"))
    assert parts["realign-edge"]["hashes"][0]["content"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert parts["some-vlm"]["type"] == "machine-learning-model"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_signature_is_what_openssl_checks(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    out = tmp_path / "out"
    archive = build("station", out, tmp_path / "release.key", [], EPOCH, wheelhouse("1.0"))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(out / "release.pub"), "-rawin",
               "-sigfile", f"{archive}.sig", "-in"]  # fmt: skip
    assert subprocess.run([*command, str(archive)], capture_output=True).returncode == 0
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "changed").write_bytes(data)
    assert subprocess.run([*command, str(tmp_path / "changed")], capture_output=True).returncode != 0


def test_release_key_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "release.key"
    before = os.umask(0)
    try:
        key = release_key(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_pem(release_key(path)) == public_pem(key)
    path.chmod(0o644)
    with pytest.raises(BuildError, match="chmod 600"):
        release_key(path)


def test_what_is_no_wheel_ends_the_build_with_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import zipfile

    house = tmp_path / "house"
    house.mkdir()
    with zipfile.ZipFile(house / "odd-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("x", "")
    with pytest.raises(BuildError, match="no metadata"):
        read(house / "odd-1-py3-none-any.whl")
    code = main(["--role", "station", "--out", str(tmp_path / "o"), "--wheels", str(house)])
    assert code == 1 and "no metadata" in capsys.readouterr().err
    assert not list((tmp_path / "o").glob("*.tar.gz"))


def wheel_of(name: str, version: str = "1", licence: str = "", **texts: bytes) -> Wheel:
    return Wheel(Path(f"{name}.whl"), name, version, "0" * 64, licence, "", texts)


@pytest.mark.parametrize(
    ("names", "glibc"),
    [
        (["a-1-py3-none-any.whl"], ""),
        (["a-1-cp311-cp311-manylinux_2_28_x86_64.whl", "b-1-cp311-abi3-manylinux_2_34_x86_64.whl"], "2.34"),
        (["a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"], "2.17"),
        (["a-1-cp311-cp311-manylinux1_x86_64.whl", "b-1-py3-none-any.whl"], "2.5"),
        (["a-1-cp311-cp311-manylinux_2_9_x86_64.whl", "b-1-cp311-cp311-manylinux_2_17_x86_64.whl"], "2.17"),
        (["a-1-cp311-cp311-linux_x86_64.whl"], "2.31"),
    ],
)
def test_oldest_system_that_the_wheels_work_on(names: list[str], glibc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PEP 600; what was compiled here needs what is here."""
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.31"))
    assert least_glibc(names) == glibc


def test_licence_that_is_named_without_its_text_gets_it(tmp_path: Path) -> None:
    apache = tmp_path / "LICENSE"
    apache.write_text("Apache License 2.0")
    found = [
        wheel_of("flatbuffers", licence="Apache 2.0"),
        wheel_of("mine", licence="Apache-2.0", LICENSE=b"own"),
        wheel_of("odd", licence="MIT"),
        wheel_of("dark"),
        wheel_of("texted", COPYING=b"free"),
    ]
    licences.write(tmp_path / "out", found, apache)
    there = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert there == {
        "LICENCES.tsv",
        "flatbuffers-1/LICENSE-Apache-2.0 (standard text).txt",
        "mine-1/LICENSE",
        "texted-1/COPYING",
    }
    assert licences.unknown(found) == ["dark 1"]


def test_bill_of_materials_that_breaks_the_schema_ends_the_build(tmp_path: Path) -> None:
    broken = Wheel(tmp_path / "a.whl", "a", "1", "no hash", "MIT", "", {})
    with pytest.raises(BuildError, match=r"CycloneDX 1\.6"):
        sbom.write(tmp_path / "sbom.json", "x", "1", [broken], [], EPOCH)
    assert not (tmp_path / "sbom.json").exists()


def test_licences_are_spdx_where_they_can_be(tmp_path: Path) -> None:
    stated = {"a": "MIT", "b": "MIT OR Apache-2.0", "c": "Free Beer Licence", "d": ""}
    sbom.write(tmp_path / "s.json", "x", "1", [wheel_of(n, licence=t) for n, t in stated.items()], [], EPOCH)
    parts = {c["name"]: c.get("licenses") for c in json.loads((tmp_path / "s.json").read_text())["components"]}
    assert parts["a"] == [{"license": {"id": "MIT"}}] and parts["d"] is None
    assert parts["b"][0]["expression"] == "MIT OR Apache-2.0"
    assert parts["c"] == [{"license": {"name": "Free Beer Licence"}}]


@pytest.mark.parametrize(
    ("found", "cuda"),
    [
        ([wheel_of("torch", "2.13.0+cpu")], False),
        ([wheel_of("torch", "2.13.0+cu130")], True),
        ([wheel_of("torch", "2.13.0"), wheel_of("nvidia-cublas", "13")], True),
        ([], False),
    ],
)
def test_torch_of_a_gpu(found: list[Wheel], cuda: bool) -> None:
    assert has_cuda(found) is cuda


def test_workstation_without_cuda_is_remarked(
    wheelhouse: Wheelhouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = wheelhouse("1.0")
    key = ["--key", str(tmp_path / "k"), "--wheels", str(house), "--out", str(tmp_path / "o")]
    assert main(["--role", "workstation", *key]) == 0
    said = capsys.readouterr()
    assert "knows no CUDA" in said.err and "TORCH=" in said.err
    assert said.out.strip().endswith(".tar.gz") and "-workstation-" in said.out
    assert main(["--role", "station", *key]) == 0
    assert "CUDA" not in capsys.readouterr().err


@pytest.mark.parametrize("where", ["folder", "https://index.example/cu130"])
def test_torch_is_asked_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], environment: dict[str, str]) -> None:
        asked.append(command)
        (tmp_path / "house" / "realign_edge-1-py3-none-any.whl").touch()

    monkeypatch.setattr(wheels, "_run", run)
    place = str(tmp_path) if where == "folder" else where
    wheels.gather(tmp_path, "workstation", tmp_path / "house", place)
    option = "--find-links" if where == "folder" else "--extra-index-url"
    assert asked[1][asked[1].index(option) + 1] == place and option not in asked[0]
