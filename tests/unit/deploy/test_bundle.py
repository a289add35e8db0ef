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

from deploy.make_bundle import build, main
from deploy.release_key import public_pem, release_key
from deploy.wheels import BuildError, read

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
    assert parts["realign-edge"]["licenses"][0]["license"]["name"] == "Apache-2.0"
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
