"""All looks at this machine, none of which can end the others."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from realign_edge.appliance.doctor import gpu, machine, services, software, state
from realign_edge.appliance.doctor.model import Check, Look, Patient
from realign_edge.appliance.load import appliance
from realign_edge.appliance.settings import ApplianceConfig
from realign_edge.errors import RealignError, explain

LOOKS: dict[str, Look] = {
    "machine": machine.look,
    "GPU": gpu.look,
    "software": software.look,
    "state": state.look,
    "services": services.look,
}


def patient(home: Path, thorough: bool = False) -> Patient:
    """This machine: a workstation where torch is installed, else a station."""
    try:
        config = appliance()
    except RealignError:
        # The check of the configuration tells what is wrong with it.
        config = ApplianceConfig()
    trains = importlib.util.find_spec("torch") is not None
    return Patient(home, config, "workstation" if trains else "station", thorough)


def examine(who: Patient) -> Iterator[Check]:
    """Every check, group by group; a look that fails is itself a finding."""
    for group, look in LOOKS.items():
        try:
            yield from look(who)
        except Exception as failure:
            fact, fix = explain(failure) or (f"{type(failure).__name__}: {failure}", "please report it")
            yield Check(group, "check", "broken", f"the rest of {group} could not be looked at: {fact}", fix)
