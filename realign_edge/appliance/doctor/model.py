"""One thing that was looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realign_edge.appliance.settings import ApplianceConfig

State = Literal["ok", "warn", "broken", "absent"]
# Every check there is; the operations guide explains each. `check` stands for the rest of a group that failed.
Name = Literal[
    "processor", "memory", "disk", "file system", "clock", "GPU", "GPU driver", "CUDA",
    "Python", "base install", "workstation", "terminal windows", "fonts", "terminal",
    "configuration", "folder", "models", "configured model", "catalog", "index", "keys", "bundle", "results",
    "verdicts", "systemd", "realign-edge-inspect.service", "realign-edge-maintain.timer", "watched folder", "watcher",
    "upkeep", "runs", "check",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """`absent`: not there, and not needed for what this machine is; fix: what to do, "" where nothing is."""

    group: str
    name: Name
    state: State
    fact: str
    fix: str = ""


@dataclass(frozen=True)
class Patient:
    """The machine that is looked at.

    home: the state folder; config: the effective configuration, the defaults where its file has problems; role: of a
    workstation, torch is asked for; of a station, a bundle.
    """

    home: Path
    config: ApplianceConfig
    role: Literal["workstation", "station"]
    thorough: bool = False


Look = Callable[[Patient], Iterator[Check]]
