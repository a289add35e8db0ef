"""The thresholds that a bundle's verdicts were made with, as its station.json says."""

import re
from pathlib import Path

from realign_edge.bundle import contract
from realign_edge.files import from_json
from realign_edge.photos.regular import Refusal, read_bytes
from realign_edge.reports.tidy import clipped, tidy

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MOST_BYTES, _MOST = 5_000_000, 40


def thresholds(home: Path, bundle_id: str) -> dict[str, float]:
    """By name; nothing where the bundle is gone or says none: a report is made all the same."""
    if not _SAFE_ID.fullmatch(bundle_id):
        return {}
    try:
        data = read_bytes(home / "bundles" / bundle_id / contract.STATION, _MOST_BYTES)
        found = from_json(data)["thresholds"]
        items = [(tidy(str(k)), v) for k, v in found.items()]
    except (Refusal, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
    numbers = {clipped(k, 60): float(v) for k, v in items if isinstance(v, int | float) and not isinstance(v, bool)}
    return dict(sorted(numbers.items())[:_MOST])
