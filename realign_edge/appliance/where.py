"""Where the appliance's configuration file lies; of its own, since finding it needs nothing else to be loaded."""

import os
from pathlib import Path

USUAL = Path("/etc/realign-edge/realign-edge.toml")
VARIABLE = "REALIGN_EDGE_CONFIG"


def config_source() -> str:
    """What names the file: the environment variable, or "default"."""
    return "default" if os.environ.get(VARIABLE) is None else f"${VARIABLE}"


def config_file() -> Path | None:
    """The file that $REALIGN_EDGE_CONFIG names ("" = none), else the usual one if it is there."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    return USUAL if USUAL.exists() else None
