"""The wheels of a role, and what each says about itself."""

import email.parser
import hashlib
import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# What each role installs beside the base install.
EXTRAS = {"station": "tui", "workstation": "workstation,tui"}
_LICENCE = re.compile(r"(^|/)(licen[cs]e|copying|notice|copyright|thirdpartynotices)[^/]*$", re.IGNORECASE)
_MOST_LICENCE = 2_000_000
# Of the names of before PEP 600.
_NAMED_GLIBC = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True)
class Wheel:
    """One wheel. licence: as its metadata states it, "" where it states none; texts: licence files, name to text."""

    path: Path
    name: str
    version: str
    sha256: str
    licence: str
    summary: str
    texts: dict[str, bytes]


class BuildError(Exception):
    """A step of the build failed; the text says which, and what its tool said last."""


def gather(project: Path, role: str, wheelhouse: Path, torch: str = "") -> None:
    """Fill `wheelhouse` with the project's wheel and everything that the role installs, for this Python and platform.

    hnswlib is compiled here, without the instructions of this machine's processor.

    Args:
        torch: where the torch of a CUDA version comes from: a folder with wheels, or the address of a further index.

    Raises:
        BuildError: pip failed.
    """
    wheelhouse.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "HNSWLIB_NO_NATIVE": "1"}
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "-w", str(wheelhouse)]
    _run([*pip, "--no-deps", str(project)], environment)
    own = next(wheelhouse.glob("realign_edge-*.whl"))
    wanted = [f"{own}[{EXTRAS[role]}]", "pip", "setuptools"]
    source = ["--find-links" if Path(torch).is_dir() else "--extra-index-url", torch] if torch else []
    _run([*pip, *source, "-c", str(project / "constraints.txt"), *wanted], environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise BuildError(f"{' '.join(command[2:5])} failed:\n{said}")


def read(path: Path) -> Wheel:
    """What a wheel says about itself.

    Raises:
        BuildError: it is no wheel.
    """
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        found = [n for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
        if len(found) != 1:
            raise BuildError(f"{path.name} holds no metadata")
        about = email.parser.BytesParser().parsebytes(wheel.read(found[0]))
        folder = found[0].removesuffix("METADATA")
        texts = {
            name.removeprefix(folder): wheel.read(name)
            for name in names
            if _is_licence(name, folder) and wheel.getinfo(name).file_size <= _MOST_LICENCE
        }
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stated = about["License-Expression"] or _short(about["License"]) or _classified(about.get_all("Classifier") or [])
    return Wheel(path, str(about["Name"]), str(about["Version"]), digest, stated, str(about["Summary"] or ""), texts)


def has_cuda(wheels: Iterable[Wheel]) -> bool:
    """Does the torch among them work on a GPU? It brings CUDA as packages, or says so in its version."""
    return any(w.name.startswith("nvidia-") or (w.name == "torch" and "+cu" in w.version) for w in wheels)


def least_glibc(names: Iterable[str]) -> str:
    """The oldest glibc that wheels of these file names work with, such as "2.28"; "" where they do not care."""
    needed = [found for name in names if (found := _glibc_of(name)) is not None]
    return "{}.{}".format(*max(needed)) if needed else ""


def _glibc_of(name: str) -> tuple[int, int] | None:
    """Of one wheel: of several platforms in its name (PEP 425, PEP 600) the most forbearing one."""
    found = []
    for tag in name.removesuffix(".whl").rpartition("-")[2].split("."):
        if match := re.match(r"manylinux_(\d+)_(\d+)_", tag):
            found.append((int(match[1]), int(match[2])))
        elif (named := tag.partition("_")[0]) in _NAMED_GLIBC:
            found.append(_NAMED_GLIBC[named])
        elif tag.startswith("linux_"):
            # Compiled here, so against the glibc of this machine.
            here = re.match(r"(\d+)\.(\d+)", platform.libc_ver()[1])
            found.append((int(here[1]), int(here[2])) if here else (0, 0))
    return min(found) if found else None


def _is_licence(name: str, folder: str) -> bool:
    """In the metadata, or, as with onnxruntime, at the top of the package."""
    near = name.startswith(folder) or name.count("/") <= 1
    return (
        not name.endswith(("/", ".py"))
        and near
        and (name.startswith(f"{folder}licenses/") or bool(_LICENCE.search(name)))
    )


def _short(text: str | None) -> str:
    """The name of a licence; some packages put its whole text there."""
    line = (text or "").strip()
    return line if 0 < len(line) <= 100 and "\n" not in line and line.upper() != "UNKNOWN" else ""


def _classified(classifiers: list[str]) -> str:
    found = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License ::")]
    return " AND ".join(found)
