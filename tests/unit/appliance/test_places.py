"""Where services must be able to write beside their state."""

from pathlib import Path

from realign_edge.appliance.places import writable
from realign_edge.appliance.settings import ApplianceConfig, InspectSettings, MaintainSettings

IN = Path("/srv/in")


def places(**inspect: object) -> list[tuple[str, Path]]:
    return list(writable(ApplianceConfig(inspect=InspectSettings(**inspect))))  # type: ignore[arg-type]


def test_photos_that_stay_are_only_read() -> None:
    assert places(folder=IN, done="", quarantine="") == []


def test_photos_that_are_moved_leave_their_folder() -> None:
    unit = "realign-edge-inspect"
    assert places(folder=IN, quarantine="quarantine") == [(unit, IN)]
    assert places(folder=IN, done="/data/done", quarantine="") == [(unit, IN), (unit, Path("/data/done"))]


def test_backups_on_another_disk() -> None:
    config = ApplianceConfig(maintain=MaintainSettings(backups="/backup/station 1"))
    assert list(writable(config)) == [("realign-edge-maintain", Path("/backup/station 1"))]
