"""The appliance's configuration: one file for everything that runs on this machine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from realign_edge.errors import UsageError
from realign_edge.pipeline.config import AlignConfig
from realign_edge.reports.zone import zone_of
from realign_edge.station.arriving.arrivals import NamePattern


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """The section [site]: names that stand in bundles, verdicts and reports.

    name: of the plant; station: of this machine among its stations; operator: who inspects, where nobody says;
    timezone: in which reports count days ("" = this machine's); language: of windows and reports ("auto" = locale).
    """

    name: str = ""
    station: str = ""
    operator: str = ""
    timezone: str = ""
    language: Literal["auto", "en", "ja"] = "auto"

    def __post_init__(self) -> None:
        try:
            zone_of(self.timezone)
        except UsageError as problem:
            raise ValueError(f"timezone: {problem.message}; {problem.hint}") from problem


@dataclass(frozen=True, slots=True)
class InspectSettings:
    """The section [inspect]: what `inspect`, and `inspect --watch` as a service, do where no option says otherwise.

    folder: where photos arrive; done, quarantine: where inspected and refused files are moved, inside `folder` unless
    absolute (done "" = they stay where they are); name_pattern: what file names say; settle_s, patience_s, every_s: see
    `inspect --help`; threads: that compute, 0 = half of the cores.
    """

    folder: Path | None = None
    done: str = ""
    quarantine: str = "quarantine"
    name_pattern: str = ""
    settle_s: float = 1.0
    patience_s: float = 30.0
    every_s: float = 1.0
    threads: int = 0

    def __post_init__(self) -> None:
        if min(self.settle_s, self.patience_s) < 0:
            raise ValueError("settle_s and patience_s must not be negative")
        if self.every_s < 0.1:
            raise ValueError("every_s must be at least 0.1")
        if self.threads < 0:
            raise ValueError("threads must not be negative")
        if self.name_pattern:
            try:
                NamePattern(self.name_pattern)
            except UsageError as problem:
                raise ValueError(f"{problem.message}; {problem.hint}") from problem


@dataclass(frozen=True, slots=True)
class MaintainSettings:
    """The section [maintain]: what the upkeep does each night.

    index: photo folders whose new photos are taken into the index; backups: folder for copies of catalog and results
    ("" = `backups` in the state folder; name another disk); keep_backups, keep_runs, keep_logs_days: how much of each
    stays; drift_photos: how many of the newest photos are compared with those the model was aligned on;
    least_free_gib: below this much free disk it warns.
    """

    index: tuple[Path, ...] = ()
    backups: str = ""
    keep_backups: int = 14
    keep_runs: int = 10
    keep_logs_days: int = 90
    drift_photos: int = 200
    least_free_gib: float = 5.0

    def __post_init__(self) -> None:
        if self.keep_backups < 1:
            raise ValueError("keep_backups must be at least 1: one backup is always kept")
        if min(self.keep_runs, self.keep_logs_days) < 0 or self.least_free_gib < 0:
            raise ValueError("keep_runs, keep_logs_days and least_free_gib must not be negative")
        if self.drift_photos < 20:
            raise ValueError("drift_photos must be at least 20")


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """The section [window]: how the terminal windows look."""

    theme: Literal["dark", "light", "contrast"] = "dark"
    images: Literal["auto", "kitty", "sixel", "half", "none"] = "auto"


@dataclass(frozen=True)
class ApplianceConfig:
    """The whole file; [align] is what `align --config FILE` takes, and such a file beats it."""

    site: SiteSettings = field(default_factory=SiteSettings)
    align: AlignConfig = field(default_factory=AlignConfig)
    inspect: InspectSettings = field(default_factory=InspectSettings)
    maintain: MaintainSettings = field(default_factory=MaintainSettings)
    window: WindowSettings = field(default_factory=WindowSettings)
