"""The units as systemd itself judges them; every relaxed line says why."""

import itertools
import json
import re
import shutil
import subprocess
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[3] / "systemd"
# Exposure that systemd may find, of 10: the promise of the operations guide.
MOST = {"realign-edge-inspect.service": 1.0, "realign-edge-align@.service": 1.5, "realign-edge-maintain.service": 1.0}
RELAXED = (
    "SupplementaryGroups",
    "RestrictAddressFamilies",
    "PrivateDevices=no",
    "MemoryDenyWriteExecute=no",
    "ProcSubset=all",
)
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system with the units, systemd's own, and a command at the place that they name."""
    folder = tmp_path_factory.mktemp("root")
    units = folder / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    for unit in [*UNITS.glob("*.service"), *UNITS.glob("*.timer")]:
        shutil.copy(unit, units)
    own = next(p for p in (Path("/lib/systemd"), Path("/usr/lib/systemd")) if (p / "system").is_dir())
    shutil.copytree(own / "system", folder / "lib" / "systemd" / "system", symlinks=True)
    command = folder / "opt" / "realign-edge" / "current" / "bin" / "realign-edge"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    return folder


@needs_systemd
@pytest.mark.parametrize("unit", [*MOST, "realign-edge-maintain.timer"])
def test_systemd_finds_nothing_wrong(root: Path, unit: str) -> None:
    name = unit.replace("@.", "@srv-photos.")
    assert ANALYZE is not None
    done = subprocess.run([ANALYZE, "verify", f"--root={root}", name], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", MOST)
def test_exposure_is_as_low_as_promised(unit: str) -> None:
    command = [ANALYZE or "", "security", "--offline=true", f"--threshold={round(MOST[unit] * 10)}", str(UNITS / unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@needs_systemd
@pytest.mark.parametrize("unit", MOST)
def test_what_systemd_would_tighten_has_its_reason(unit: str) -> None:
    command = [ANALYZE or "", "security", "--offline=true", "--json=short", str(UNITS / unit)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    reasons = [line for line in (UNITS / unit).read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    loose = {name for one in found if not one["set"] for name in [re.split("[=/]", one["name"])[0]]}
    lines = (UNITS / unit).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(f"({'|'.join(RELAXED)})", line):
            above = itertools.takewhile(lambda said: said.startswith("#"), reversed(lines[:number]))
            assert any(said.startswith("# Relaxed") for said in above), line
    for name in loose:
        beside = any(line.startswith(f"{name}=") and before.startswith("#") for before, line in pairwise(lines))
        # ProtectClock=yes by itself allows the clock to be read.
        told = beside or any(f"{name}=" in line for line in reasons) or name == "DeviceAllow"
        assert told, f"{name} of {unit} is relaxed without a word"


# From /proc/devices of machines with the drivers 470, 535, 570 and 580.
@pytest.mark.parametrize(
    "device", ["nvidia-frontend", "nvidia", "nvidiactl", "nvidia-uvm", "nvidia-caps", "nvidia-modeset"]
)
def test_devices_of_every_driver_are_let_in_and_no_others(device: str) -> None:
    text = (UNITS / "realign-edge-align@.service").read_text(encoding="utf-8")
    allowed = re.findall(r"^DeviceAllow=char-(\S+) rw$", text, re.MULTILINE)
    assert any(fnmatch(device, pattern) for pattern in allowed)
    assert not any(fnmatch(other, pattern) for pattern in allowed for other in ("mem", "drm", "tty", "fb"))


@pytest.mark.parametrize("unit", MOST)
def test_services_have_no_network(unit: str) -> None:
    text = (UNITS / unit).read_text(encoding="utf-8")
    assert "\nPrivateNetwork=yes\n" in text and "\nIPAddressDeny=any\n" in text and "AF_INET" not in text


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed")
def test_user_and_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group", "shadow", "gshadow"):
        (tmp_path / "etc" / name).touch()
    conf = UNITS / "realign-edge.sysusers.conf"
    done = subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], input=conf.read_text(), text=True,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "realign-edge:" in (tmp_path / "etc" / "passwd").read_text()
    assert re.search(r"^realign-edge-photos:.*realign-edge$", (tmp_path / "etc" / "group").read_text(), re.MULTILINE)
