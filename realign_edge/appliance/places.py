"""Where the services must be able to write beside their state, as lines for systemd; read by deploy/install.sh.

    python -m realign_edge.appliance.places

prints `UNIT ReadWritePaths=FOLDER` lines.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from realign_edge.appliance.load import appliance
from realign_edge.appliance.settings import ApplianceConfig
from realign_edge.errors import RealignError


def writable(config: ApplianceConfig) -> Iterator[tuple[str, Path]]:
    """Unit and folder: photos that are moved are moved out of the folder that they arrive in."""
    inspect = config.inspect
    moved = [Path(place) for place in (inspect.done, inspect.quarantine) if place]
    if inspect.folder is not None and moved:
        yield "realign-edge-inspect", inspect.folder
        yield from (("realign-edge-inspect", place) for place in moved if place.is_absolute())
    if config.maintain.backups:
        yield "realign-edge-maintain", Path(config.maintain.backups)


def main() -> int:
    """Print them; 1 where the configuration has mistakes."""
    try:
        found = dict.fromkeys(writable(appliance()))
    except RealignError as problem:
        print(f"error: {problem.message}\nhint: {problem.hint}", file=sys.stderr)
        return 1
    for unit, place in found:
        # A folder that is not there (yet) must not keep the service from starting; % would be expanded.
        print(f"{unit} ReadWritePaths=-{str(place).replace('%', '%%')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
