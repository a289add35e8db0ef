"""The last step of an export: a folder of files becomes a bundle, its manifest written and signed."""

import fnmatch
from pathlib import Path
from typing import Any

from realign_edge.bundle import contract
from realign_edge.bundle.errors import BundleError
from realign_edge.bundle.inventory import walk
from realign_edge.bundle.keys import SigningKey
from realign_edge.bundle.manifest import BundleFile, BundleManifest, Role, make_manifest, manifest_bytes
from realign_edge.bundle.signature import signature_bytes
from realign_edge.files import sha256_file, write_atomic

# The first that fits; whatever else an export writes are the model's own texts.
_ROLES: tuple[tuple[str, Role], ...] = (
    ("onnx/*.onnx", "graph"),
    ("onnx/*", "weights"),
    (f"{contract.THUMBNAILS}/*.jpg", "thumbnail"),
    ("index/*", "index"),
    ("golden/*", "golden"),
    (contract.STATION, "station"),
    (contract.RULES, "rules"),
    (contract.GLOSSARY, "glossary"),
    (contract.EVALUATION, "evaluation"),
    (contract.PARITY, "parity"),
    (contract.BASELINE, "baseline"),
    ("LICEN[CS]E*", "licence"),
    ("NOTICE*", "licence"),
    ("*", "model"),
)


def role_of(path: str) -> Role:
    """What a file of a bundle is for."""
    return next(role for pattern, role in _ROLES if fnmatch.fnmatchcase(path, pattern))


def seal(folder: Path, key: SigningKey, **about: Any) -> BundleManifest:
    """Write manifest.json over everything in the folder, then manifest.sig; about: the manifest's other fields.

    A folder without a signature is no bundle, so that one which was left half way is never taken for one.

    Raises:
        BundleError: something in the folder has no place in a bundle.
    """
    (folder / contract.SIGNATURE).unlink(missing_ok=True)
    files = []
    for entry in walk(folder):
        if entry.form == "folder" or entry.path == contract.MANIFEST:
            continue
        if entry.form != "file":
            raise BundleError(f"{folder / entry.path} is no plain file", "take it out of the folder")
        try:
            files.append(BundleFile(entry.path, entry.size, sha256_file(folder / entry.path), role_of(entry.path)))
        except ValueError as problem:
            raise BundleError(f"{folder}: {problem}", "take it out of the folder") from problem
    manifest = make_manifest(files, **about)
    data = manifest_bytes(manifest)
    write_atomic(folder / contract.MANIFEST, data)
    write_atomic(folder / contract.SIGNATURE, signature_bytes(data, key))
    return manifest
