"""Further bundles for a station: a copy of the active one, sealed anew by the workstation's key of now."""

import shutil
from dataclasses import fields

from benchmarks.appliance_storm.stages import Place
from realign_edge.bundle.contract import MANIFEST, SIGNATURE
from realign_edge.bundle.install import install
from realign_edge.bundle.keys import workstation_key
from realign_edge.bundle.manifest import make_manifest, manifest_bytes, parse_manifest
from realign_edge.bundle.signature import signature_bytes
from realign_edge.bundle.store import current
from realign_edge.bundle.trust import trusted_keys

_WORKED_OUT = ("id", "files", "format", "model_sha256")


def install_another(place: Place, name: str) -> None:
    """Install one that differs in a name alone, which is enough for an id of its own. Its self-test is left out."""
    copy = place.root.parent.parent / "another"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(current(place.home), copy)
    was, key = parse_manifest((copy / MANIFEST).read_bytes()), workstation_key(place.home)
    about = {f.name: getattr(was, f.name) for f in fields(was) if f.name not in _WORKED_OUT}
    data = manifest_bytes(make_manifest(was.files, **{**about, "tools": {**was.tools, "sealed": name}}))
    (copy / MANIFEST).write_bytes(data)
    (copy / SIGNATURE).write_bytes(signature_bytes(data, key))
    install(copy, place.home, trusted_keys(place.home).plus([key.public]), lambda _: None)
