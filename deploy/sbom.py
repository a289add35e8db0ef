"""The software bill of materials, in CycloneDX 1.6 as JSON."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from deploy.wheels import BuildError, Wheel


def write(path: Path, title: str, version: str, wheels: Sequence[Wheel], models: Sequence[Any], epoch: int) -> None:
    """One component for each wheel and model, with hash and licence; the same inputs give the same bytes.

    models: (name, version, sha256, licence) each.

    Raises:
        BuildError: it is not as the published schema wants it.
    """
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, "|".join([title, *(w.sha256 for w in wheels)])))
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    bom.metadata.component = Component(name=title, version=version, type=ComponentType.APPLICATION, bom_ref=title)
    parts = [_wheel(w) for w in wheels] + [_model(*m) for m in models]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(bom.metadata.component, parts)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    # The schema lies in the library: nothing is fetched.
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise BuildError(f"the bill of materials does not fit the schema of CycloneDX 1.6: {wrong}")
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
        # An SPDX identifier or expression where it is one, else the name as it stands.
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
    )
