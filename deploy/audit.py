"""The pinned packages against known vulnerabilities, without a network.

    python -m deploy.audit --osv FOLDER

FOLDER holds OSV records of the ecosystem PyPI, one JSON file each, as they are exported
(https://osv.dev, PyPI/all.zip, unpacked or as it is); somebody carries it here. Exit code 1: a pinned version is
affected; 3: no records were given, so nothing was compared.
"""

import argparse
import re
import sys
import zipfile
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
        versions, ranges = about.get("versions") or (), about.get("ranges") or ()
        if pins[name] in versions or any(_within(r, pins[name]) for r in ranges):
            yield Advisory(name, pins[name], str(record.get("id", "?")), str(record.get("summary", ""))[:100])


def _within(span: Mapping[str, Any], pin: str) -> bool:
    """Is the version in a range of introduced and fixed ones? (OSV schema, evaluation of `events`.)"""
    if span.get("type") != "ECOSYSTEM":
        return False
    version, inside = _version(pin), False
    # In the order of the versions, which a file may lack; at one version the bug ends after it began.
    for event in sorted(span.get("events", ()), key=_order):
        inside = inside or ("introduced" in event and version >= _version(event["introduced"]))
        if "fixed" in event and version >= _version(event["fixed"]):
            inside = False
        if "last_affected" in event and version > _version(event["last_affected"]):
            inside = False
    return inside


def _order(event: Mapping[str, Any]) -> tuple[Version, bool]:
    return max((_version(text) for text in event.values()), default=_version("0")), "introduced" not in event


def _version(text: str) -> Version:
    try:
        return Version(str(text))
    except InvalidVersion:
        return Version("0")


def records_in(place: Path) -> Iterator[tuple[str, Any]]:
    """Name and content of each record of a folder or of a .zip; None where it is no record.

    Raises:
        OSError, BadZipFile: it cannot be read.
    """
    if place.is_dir():
        for path in sorted(place.rglob("*.json")):
            yield str(path.relative_to(place)), _record(path.read_bytes())
    else:
        with zipfile.ZipFile(place) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith(".json")):
                yield name, _record(archive.read(name))


def _record(data: bytes) -> Any:
    """What is in a file; None where that is no record of the schema."""
    try:
        found = from_json(data)
        whole = isinstance(found["id"], str) and all(isinstance(about, dict) for about in found["affected"])
        return found if whole else None
    except (ValueError, TypeError, KeyError):
        return None


def main() -> int:
    """Compare, and say what was compared with what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osv", type=Path)
    given = parser.parse_args()
    pins = pinned(CONSTRAINTS.read_text(encoding="utf-8"))
    try:
        records = dict(records_in(given.osv)) if given.osv else {}
    except (OSError, zipfile.BadZipFile) as problem:
        print(f"nothing was compared: {given.osv} cannot be read: {problem}")
        return 3
    known = {name: record for name, record in records.items() if record is not None}
    if not known:
        place = f"in {given.osv}" if given.osv else "given"
        print(f"nothing was compared: no OSV records are {place}, so of {len(pins)} pinned versions nothing is known")
        print("carry an export of osv.dev here (PyPI/all.zip), and run: make audit OSV=FILE-OR-FOLDER")
        return 3
    return _told(pins, known, sorted(records.keys() - known.keys()))


def _told(pins: Mapping[str, str], records: Mapping[str, Any], unread: list[str]) -> int:
    found = [a for record in records.values() for a in affected(record, pins)]
    for a in found:
        print(f"{a.package} {a.version}: {a.record} {a.summary}")
    if unread:
        print(f"{len(unread)} files are no records of OSV and were left out, the first {unread[0]}")
    newest = max(str(r.get("modified", "")) for r in records.values())
    print(f"{len(pins)} pinned versions, {len(records)} records, the newest of {newest or 'unknown date'}, "
          f"{len({a.package for a in found})} packages affected")  # fmt: skip
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
