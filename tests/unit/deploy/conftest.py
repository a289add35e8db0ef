"""A wheelhouse of two tiny wheels: an application that answers as install.sh asks it, and pip itself."""

import base64
import hashlib
import importlib.util
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.make_bundle import build

MAIN = """
import os, sys
def main():
    print("realign-edge {version}" if "--version" in sys.argv else "doctor: fine (" + os.environ["LC_ALL"] + ")")
"""
PLACES = """
import os, pathlib
text = pathlib.Path(os.environ["REALIGN_EDGE_CONFIG"]).read_text()
if "MISTAKE" in text:
    raise SystemExit(1)
for line in text.splitlines():
    if line.startswith("# place "):
        print("realign-edge-inspect ReadWritePaths=-" + line[8:])
"""
Wheelhouse = Callable[[str], Path]
Unpacked = Callable[[str], Path]


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Wheelhouse:
    """wheelhouse("1.0"): a folder with the application in that version."""

    def make(version: str) -> Path:
        folder = tmp_path_factory.mktemp(f"wheels-{version}-")
        files = {
            "realign_edge/__init__.py": "",
            "realign_edge/main.py": MAIN.format(version=version),
            "realign_edge/appliance/__init__.py": "",
            "realign_edge/appliance/places.py": PLACES,
        }
        head = f"Metadata-Version: 2.1\nName: realign-edge\nVersion: {version}\n"
        metadata = f"{head}License: Apache-2.0\nProvides-Extra: tui\n"
        entry = "[console_scripts]\nrealign-edge = realign_edge.main:main\n"
        write_wheel(folder, "realign_edge", version, files, metadata, entry)
        pip = importlib.util.find_spec("ensurepip")
        assert pip is not None and pip.origin is not None
        bundled = sorted((Path(pip.origin).parent / "_bundled").glob("pip-*.whl"))
        if not bundled:
            pytest.skip("this Python carries no wheel of pip (Debian keeps it in python3-pip-whl)")
        shutil.copy(bundled[-1], folder)
        return folder

    return make


@pytest.fixture(scope="session")
def archives(wheelhouse: Wheelhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions by one key, unpacked, once for all tests."""
    folder = tmp_path_factory.mktemp("archives")
    for version in ("1.0", "2.0"):
        archive = build("station", folder, folder / "release.key", [], 0, wheelhouse(version))
        with tarfile.open(archive) as tar:
            tar.extractall(folder / version, filter="data")
    return folder


@pytest.fixture
def unpacked(archives: Path, tmp_path: Path) -> Unpacked:
    """unpacked("1.0"): a folder of that version, this test's own, with the key beside it."""

    def make(version: str) -> Path:
        shutil.copytree(archives / version, tmp_path / version)
        shutil.copy(archives / "release.pub", tmp_path / version / "release.pub")
        return next(p for p in (tmp_path / version).iterdir() if p.is_dir())

    return make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str], metadata: str, entry: str) -> None:
    """A wheel as PEP 427 has it."""
    about = f"{name}-{version}.dist-info"
    everything = {
        **files,
        f"{about}/METADATA": metadata,
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": entry,
        f"{about}/licenses/LICENSE": "Do what is right.\n",
    }
    rows = []
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in everything.items():
            wheel.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(text.encode())}\n")
        wheel.writestr(f"{about}/RECORD", "".join([*rows, f"{about}/RECORD,,\n"]))
