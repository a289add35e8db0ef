"""What arrived in a watched folder against what the results say, after a storm."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.watch_feed import Feeder
from realign_edge.files import sha256_file
from realign_edge.results.model import Inspection, Refused
from realign_edge.results.store import Results


def judge(folder: Path, home: Path, feeder: Feeder, told: Path) -> dict[str, Any]:
    """What arrived against what the results say."""
    with Results.read(home) as results:
        problems, entries = results.verify(), list(results.entries())
    rows = Counter(e.content.sha256 for e in entries if isinstance(e.content, Inspection))
    refused = Counter((e.content.name, e.content.sha256) for e in entries if isinstance(e.content, Refused))
    events = list(_events(told))
    announced = {(e["row"], e["hash"]) for e in events if "row" in e}
    moved = Counter(sha256_file(p) for p in (folder / "done").rglob("*") if p.is_file())
    good = Counter(feeder.good.values())
    return {
        "arrived": len(feeder.good),
        "photos": len(good),
        "rows": sum(rows.values()),
        "lost": len(good.keys() - rows.keys()),
        "doubled": sum(n - 1 for n in rows.values()),
        "foreign": len(rows.keys() - good.keys()),
        "not moved": sum((good - moved).values()),
        "moved too much": sum((moved - good).values()),
        "broken": len(feeder.broken),
        "broken wrong": int(refused != Counter(feeder.broken.items())),
        "announced and gone": len(announced - {(e.number, e.hash) for e in entries}),
        "stopped between row and move": sum(e["event"] == "known" for e in events),
        "chain problems": len(problems),
    }


def wrong(report: dict[str, Any]) -> bool:
    """Is anything not as it must be?"""
    none = ("lost", "doubled", "foreign", "not moved", "moved too much", "broken wrong", "announced and gone")
    return any(report[name] for name in (*none, "chain problems", "ended with"))


def _events(told: Path) -> Iterator[dict[str, Any]]:
    """Whole lines; a kill may tear one, which then was not announced."""
    for line in told.read_bytes().split(b"\n"):
        with suppress(ValueError):
            yield from (json.loads(part) for part in [line] if part)
