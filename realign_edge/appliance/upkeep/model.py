"""One duty of the upkeep, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from realign_edge.appliance.settings import ApplianceConfig
from realign_edge.progress import Progress, Silent

# Below the state folder: what the last whole round came to.
STATUS = Path("maintain") / "status.json"
State = Literal["done", "attention", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`attention`: it was done, and found something that a person should know; fix: what to do."""

    duty: str
    state: State
    fact: str
    fix: str = ""


@dataclass(frozen=True)
class Shift:
    """One round of the upkeep.

    now: seconds since the epoch; stopping: is the round to end after the duty in hand?
    """

    home: Path
    config: ApplianceConfig
    now: float
    progress: Progress = field(default_factory=Silent)
    stopping: Callable[[], bool] = lambda: False

    @property
    def backups(self) -> Path:
        """Where backups lie."""
        return backups_folder(self.home, self.config)


def backups_folder(home: Path, config: ApplianceConfig) -> Path:
    """The configured folder, else `backups` in the state folder."""
    named = config.maintain.backups
    return Path(named).expanduser() if named else home / "backups"
