"""The offline bundle of a role: one signed archive that installs on a machine without a network.

    python -m deploy.make_bundle --role station --out dist
    python -m deploy.make_bundle --role workstation --torch /media/usb/torch-cu130

Inside: wheels/ (this Python, this platform), models/ (those that were named), systemd/, etc/, doc/, licences/,
sbom.cdx.json, bundle.json, install.sh, SHA256SUMS over all of it, and SHA256SUMS.sig by the release key.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy import licences, sbom, wheels
from deploy.archive import pack
from deploy.release_key import public_pem, release_key

PROJECT = Path(__file__).resolve().parents[1]
SUMS, SIGNATURE, ABOUT = "SHA256SUMS", "SHA256SUMS.sig", "bundle.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build it; the archive's path is printed."""
    options = _options(arguments)
    try:
        archive = build(options.role, options.out, options.key, options.model, options.epoch, options.wheels,
                        options.torch)  # fmt: skip
    except (wheels.BuildError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(archive)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the offline bundle of a role.")
    parser.add_argument("--role", choices=sorted(wheels.EXTRAS), required=True)
    parser.add_argument("--out", type=Path, default=Path("dist"))
    parser.add_argument("--key", type=Path, default=Path("dist/release.key"), help="release key; made when not there")
    parser.add_argument("--model", type=Path, action="append", default=[], help="folder of a model to bring along")
    parser.add_argument("--wheels", type=Path, help="a wheelhouse, instead of asking the package index")
    parser.add_argument("--torch", default="", help="where torch for CUDA comes from: a folder of wheels, or an index")
    parser.add_argument("--epoch", type=int, default=int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600")),
                        help="time of all files, in seconds; the same inputs give the same bytes")  # fmt: skip
    return parser.parse_args(arguments)


def build(
    role: str, out: Path, key: Path, models: Sequence[Path], epoch: int, wheelhouse: Path | None = None, torch: str = ""
) -> Path:
    """Make the archive with its signature and the public key beside it; the archive.

    Raises:
        BuildError: pip failed, or a wheel cannot be read.
        OSError: the disk is full, or a model is not there.
    """
    out.mkdir(parents=True, exist_ok=True)
    signing = release_key(key)
    with tempfile.TemporaryDirectory(dir=out, prefix=".bundle-") as scratch:
        house = Path(scratch) / "wheels"
        if wheelhouse is None:
            wheels.gather(PROJECT, role, house, torch)
        else:
            shutil.copytree(wheelhouse, house)
        found = sorted((wheels.read(p) for p in house.glob("*.whl")), key=lambda w: w.path.name.lower())
        _remark(role, found)
        version = next(w.version for w in found if w.name == "realign-edge")
        folder = Path(scratch) / _name(version, role)
        _fill(folder, role, version, house, found, models, epoch)
        sums = _sums(folder)
        (folder / SUMS).write_text(sums, encoding="utf-8")
        (folder / SIGNATURE).write_bytes(signing.sign(sums.encode()))
        archive = out / f"{folder.name}.tar.gz"
        beside = out / f".{archive.name}.tmp"
        pack(folder, beside, epoch)
        (out / f"{archive.name}.sig").write_bytes(signing.sign(beside.read_bytes()))
        beside.replace(archive)
    (out / "release.pub").write_text(public_pem(signing), encoding="ascii")
    return archive


def _name(version: str, role: str) -> str:
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    return f"realign-edge-{version}-{role}-{python}-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def _fill(
    folder: Path, role: str, version: str, house: Path, found: list[wheels.Wheel], models: Sequence[Path], epoch: int
) -> None:
    shutil.move(house, folder / "wheels")
    shutil.copytree(PROJECT / "systemd", folder / "systemd")
    shutil.copytree(PROJECT / "docs", folder / "doc")
    shutil.copy(PROJECT / "README.md", folder / "doc")
    (folder / "etc").mkdir()
    shutil.copy(PROJECT / "deploy" / "realign-edge.toml", folder / "etc")
    shutil.copy(PROJECT / "deploy" / "install.sh", folder)
    (folder / "install.sh").chmod(0o755)
    for model in models:
        shutil.copytree(model, folder / "models" / model.name)
    licences.write(folder / "licences", found, PROJECT / "LICENSE")
    parts = [(m.name, "", _digest_of(m), _model_licence(m)) for m in models]
    sbom.write(folder / "sbom.cdx.json", f"realign-edge-{role}", version, found, parts, epoch)
    about = {
        "name": "realign-edge",
        "version": version,
        "role": role,
        "extras": wheels.EXTRAS[role],
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "machine": platform.machine(),
        "glibc": wheels.least_glibc(w.path.name for w in found),
        "torch": next((w.version for w in found if w.name == "torch"), ""),
        "models": [m.name for m in models],
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _remark(role: str, found: list[wheels.Wheel]) -> None:
    """Say on stderr what somebody should know before the archive is carried anywhere."""
    if role == "workstation" and not wheels.has_cuda(found):
        torch = next((w.version for w in found if w.name == "torch"), "none")
        print(f"remark: torch {torch} knows no CUDA: this workstation would train on its processor\n"
              "  -> name where a CUDA build comes from: make bundle ROLE=workstation TORCH=FOLDER-OR-INDEX",
              file=sys.stderr)  # fmt: skip
    if unknown := licences.unknown(found):
        print(f"remark: no licence is known of {', '.join(unknown)}: look before you hand it on", file=sys.stderr)


def _model_licence(model: Path) -> str:
    texts = sorted(p.name for p in model.glob("*") if p.name.upper().startswith(("LICENSE", "LICENCE")))
    return f"see {texts[0]}" if texts else ""


def _digest_of(folder: Path) -> str:
    """SHA-256 over names and hashes of a folder's files, in their order."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n".encode())
    return whole.hexdigest()


def _sums(folder: Path) -> str:
    """What `sha256sum --check` reads."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return "".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder)}\n" for p in files)


if __name__ == "__main__":
    sys.exit(main())
