"""The time zone that a report is written in: named, or this machine's."""

import os
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from realign_edge.errors import UsageError

_LINK = Path("/etc/localtime")


def zone_of(name: str) -> tzinfo:
    """The zone of this name, such as Asia/Tokyo; this machine's for "".

    Raises:
        UsageError: there is no such zone.
    """
    try:
        return ZoneInfo(name) if name else _local()
    except (ValueError, OSError, KeyError):
        raise UsageError(f"unknown time zone `{name}`", "name one such as Asia/Tokyo, Europe/Berlin or UTC") from None


def _local() -> tzinfo:
    """By its name where the machine tells it: an offset alone would be wrong on the other side of summer time."""
    told = os.environ.get("TZ", "")
    linked = str(_LINK.resolve()).partition("/zoneinfo/")[2]
    for name in filter(None, (told, linked)):
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            continue
    found = datetime.now().astimezone().tzinfo
    assert found is not None
    return found
