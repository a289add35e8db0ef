"""What a machine tells; what it does not tell stays unknown."""

import ctypes
import os
from pathlib import Path
from typing import Any

import pytest

from realign_edge.monitoring import machine
from realign_edge.monitoring.machine import MachineReader
from realign_edge.monitoring.nvml import Nvml


def put(reference: Any, value: int) -> int:
    reference._obj.value = value
    return 0


class Library:
    """The driver's library as its reference describes it: values through pointers, 0 for success, 3 = not supported."""

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802
        return put(count, 2)

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, handle: Any) -> int:  # noqa: N802
        return put(handle, 100 + index.value) if index.value == 0 else 15

    def nvmlDeviceGetName(self, handle: Any, buffer: Any, size: Any) -> int:  # noqa: N802
        assert (handle.value, size.value) == (100, 96)
        buffer.value = b"NVIDIA H100"
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:  # noqa: N802, ARG002
        memory._obj.total, memory._obj.free, memory._obj.used = 80 * 2**30, 60 * 2**30, 20 * 2**30
        return 0

    def nvmlDeviceGetUtilizationRates(self, handle: Any, rates: Any) -> int:  # noqa: N802, ARG002
        rates._obj.gpu, rates._obj.memory = 93, 40
        return 0

    def nvmlDeviceGetTemperature(self, handle: Any, sensor: Any, value: Any) -> int:  # noqa: N802, ARG002
        assert sensor.value == 0
        return put(value, 71)

    def nvmlDeviceGetPowerUsage(self, handle: Any, value: Any) -> int:  # noqa: N802, ARG002
        return put(value, 412_500)

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: Any, value: Any) -> int:  # noqa: N802, ARG002
        return 3


def test_driver_that_does_not_answer_says_why() -> None:
    class Updated(Library):
        def nvmlInit_v2(self) -> int:  # noqa: N802
            return 18

    old = Nvml(lambda name: Updated())
    assert (old.gpus(), old.driver, old.outdated) == ((), "", True)
    assert "error 18" in old.trouble

    class Refusing(Updated):
        def nvmlInit_v2(self) -> int:  # noqa: N802
            return 4

        def __init__(self) -> None:
            self.nvmlErrorString: Any = lambda code: b"Insufficient Permissions"

    refused = Nvml(lambda name: Refusing())
    assert (refused.outdated, refused.trouble.endswith("Insufficient Permissions")) == (False, True)
    assert Nvml(lambda name: Library()).trouble == ""


def test_gpus_are_told_by_their_driver_and_what_it_does_not_tell_is_unknown() -> None:
    first, second = Nvml(lambda name: Library()).gpus()
    assert (first.name, first.share, first.memory_used_gib, first.memory_total_gib) == ("NVIDIA H100", 0.93, 20, 80)
    assert (first.temperature_c, first.power_w, first.power_limit_w) == (71, 412.5, None)
    assert (second.name, second.share, second.power_w) == ("GPU 1", None, None)


def test_without_a_driver_or_with_a_strange_one_there_are_no_gpus() -> None:
    def missing(name: str) -> Any:
        raise OSError("cannot open shared object file")

    assert Nvml(missing).gpus() == ()
    assert Nvml(lambda name: ctypes.CDLL(None)).gpus() == ()


@pytest.mark.parametrize("with_psutil", [True, False])
def test_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_psutil: bool) -> None:
    if not with_psutil:
        monkeypatch.setattr(machine, "_psutil", lambda: None)
    clock = iter([0.0, 0.5, 5.0])
    reader = MachineReader(tmp_path, lambda: next(clock))
    first = reader.read(os.getpid())
    assert first.cpu_share is None
    assert first.memory_total_gib is not None
    assert 0 < (first.memory_used_gib or 0) < first.memory_total_gib
    assert 0 < (first.disk_free_gib or 0) <= (first.disk_total_gib or 0)
    assert (first.process_gib or 0) > 0.01
    assert reader.read(os.getpid()) is first
    later = reader.read(None)
    assert later.cpu_share is None or 0 <= later.cpu_share <= 1
    assert later.process_gib is None


def test_a_folder_and_a_process_that_are_gone_are_unknown(tmp_path: Path) -> None:
    found = MachineReader(tmp_path / "gone").read(2**22 + 5)
    assert (found.disk_free_gib, found.process_gib) == (None, None)
