"""How this station inspects: typed options over the configuration file over the defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.appliance.load import appliance


@dataclass(frozen=True, slots=True)
class Inspecting:
    """The effective choices; folder: watched where none is named; done and quarantine: None = files stay."""

    folder: Path | None
    station: str
    operator: str
    name_pattern: str
    done: Path | None
    quarantine: Path | None
    settle_s: float
    patience_s: float
    every_s: float
    threads: int


def inspecting(**typed: Any) -> Inspecting:
    """typed: fields by name; None where no option was given.

    Raises:
        UsageError: the configuration file has problems.
    """
    config = appliance()
    site, inspect = config.site, config.inspect
    below = {
        "folder": inspect.folder,
        "station": site.station,
        "operator": site.operator,
        "name_pattern": inspect.name_pattern,
        "done": Path(inspect.done) if inspect.done else None,
        "quarantine": Path(inspect.quarantine) if inspect.quarantine else None,
        "settle_s": inspect.settle_s,
        "patience_s": inspect.patience_s,
        "every_s": inspect.every_s,
        "threads": inspect.threads,
    }
    return Inspecting(**{**below, **{name: value for name, value in typed.items() if value is not None}})
