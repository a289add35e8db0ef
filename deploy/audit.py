"""The pinned packages against known vulnerabilities, without a network.

    python -m deploy.audit --osv FOLDER

FOLDER holds OSV records of the ecosystem PyPI, one JSON file each, as they are exported
(https://osv.dev, PyPI/all.zip, unpacked); somebody carries it here. Exit code 1: a pinned version is affected; 3: no
records were given, so nothing was compared.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from realign_edge.files import from_json

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
_PINNED = re.compile(r"([A-Za-z0-9._-]+)==([^\s;#]+)")


@dataclass(frozen=True, slots=True)
class Advisory:
    """A record that says of a pinned version that it is affected."""

    package: str
    version: str
    record: str
    summary: str


def pinned(text: str) -> dict[str, str]:
    """Package to version, of a constraints file."""
    found = (_PINNED.match(line.strip()) for line in text.splitlines())
    return {canonicalize_name(m[1]): m[2] for m in found if m}


def affected(record: Mapping[str, Any], pins: Mapping[str, str]) -> Iterator[Advisory]:
    """Which pins the record speaks of; one that was withdrawn speaks of none."""
    if record.get("withdrawn"):
        return
    for about in record.get("affected", ()):
        package = about.get("package", {})
        name = canonicalize_name(str(package.get("name", "")))
        if package.get("ecosystem") != "PyPI" or name not in pins:
            continue
        if pins[name] in about.get("versions", ()) or any(_within(r, pins[name]) for r in about.get("ranges", ())):
            yield Advisory(name, pins[name], str(record.get("id", "?")), str(record.get("summary", ""))[:100])


def _within(span: Mapping[str, Any], pin: str) -> bool:
    """Is the version in a range of introduced and fixed ones? (OSV schema, evaluation of `events`.)"""
    if span.get("type") != "ECOSYSTEM":
        return False
    version, inside = _version(pin), False
    for event in span.get("events", ()):
        # In the order of the file, which the schema asks to be that of the versions.
        inside = inside or ("introduced" in event and version >= _version(event["introduced"]))
        if "fixed" in event and version >= _version(event["fixed"]):
            inside = False
        if "last_affected" in event and version > _version(event["last_affected"]):
            inside = False
    return inside


def _version(text: str) -> Version:
    try:
        return Version(str(text))
    except InvalidVersion:
        return Version("0")


def main() -> int:
    """Compare, and say what was compared with what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osv", type=Path)
    given = parser.parse_args()
    pins = pinned(CONSTRAINTS.read_text(encoding="utf-8"))
    if given.osv is None or not any(given.osv.rglob("*.json")):
        print(f"nothing was compared: no OSV records were given, so of {len(pins)} pinned versions nothing is known")
        print("carry an export of osv.dev here (PyPI/all.zip), unpack it, and run: make audit OSV=FOLDER")
        return 3
    records = [from_json(path.read_bytes()) for path in sorted(given.osv.rglob("*.json"))]
    found = [a for record in records if isinstance(record, dict) for a in affected(record, pins)]
    newest = max((str(r.get("modified", "")) for r in records if isinstance(r, dict)), default="")
    for a in found:
        print(f"{a.package} {a.version}: {a.record} {a.summary}")
    print(f"{len(pins)} pinned versions, {len(records)} records, the newest of {newest or 'unknown date'}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
