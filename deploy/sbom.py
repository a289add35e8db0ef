"""The software bill of materials, in CycloneDX 1.6 as JSON."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from deploy.wheels import Wheel


def write(path: Path, title: str, version: str, wheels: Sequence[Wheel], models: Sequence[Any], epoch: int) -> None:
    """One component for each wheel and model, with hash and licence; the same inputs give the same bytes.

    models: (name, version, sha256, licence) each.
    """
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, "|".join([title, *(w.sha256 for w in wheels)])))
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    bom.metadata.component = Component(name=title, version=version, type=ComponentType.APPLICATION, bom_ref=title)
    parts = [_wheel(w) for w in wheels] + [_model(*m) for m in models]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(bom.metadata.component, parts)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _wheel(wheel: Wheel) -> Component:
    url = PackageURL("pypi", name=wheel.name.lower().replace("_", "-"), version=wheel.version)
    return _component(ComponentType.LIBRARY, wheel.name, wheel.version, wheel.sha256, wheel.licence, url)


def _model(name: str, version: str, sha256: str, licence: str) -> Component:
    return _component(ComponentType.MACHINE_LEARNING_MODEL, name, version, sha256, licence, None)


def _component(
    kind: ComponentType, name: str, version: str, sha256: str, licence: str, url: PackageURL | None
) -> Component:
    return Component(
        name=name,
        version=version,
        type=kind,
        bom_ref=f"{name}@{version}",
        purl=url,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        licenses=[DisjunctiveLicense(name=licence)] if licence else [],
    )
