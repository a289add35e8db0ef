"""What the doctor says of a GPU, with a driver and a torch that answer as real ones do."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Loaded before a test says that torch has CUDA, which bitsandbytes would then look for.
import bitsandbytes.functional as four
import pytest
import torch

from realign_edge.appliance.doctor import gpu
from realign_edge.appliance.doctor.model import Check, Patient
from realign_edge.appliance.settings import ApplianceConfig
from realign_edge.monitoring.model import Gpu

OLD = "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040)."


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A machine without a card; to be called with what its driver tells."""

    def has(**told: Any) -> None:
        usual = {"driver": "580.65.06", "trouble": "", "outdated": False, "gpus": lambda: (card("NVIDIA L4"),)}
        monkeypatch.setattr(gpu, "Nvml", lambda: SimpleNamespace(**{**usual, **told}))

    monkeypatch.setattr(gpu, "_VERSION", tmp_path / "version")
    monkeypatch.setattr(gpu, "_loads", lambda library: False)
    monkeypatch.setattr(gpu, "card_holder", lambda: "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    has(driver="", gpus=tuple)
    return has


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A torch with CUDA; to be called with what it finds."""

    def finds(there: bool = True, free: int = 20, major: int = 9, failure: Exception | None = None) -> None:
        def ones(*shape: int, device: str = "cpu", dtype: Any = None) -> torch.Tensor:
            if failure is not None:
                raise failure
            return torch.zeros(shape, dtype=dtype)

        seen = SimpleNamespace(name="NVIDIA L4", major=major)
        monkeypatch.setattr(torch.version, "cuda", "12.8")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda which: seen)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda which: (free * 2**30, 24 * 2**30))
        monkeypatch.setattr(torch, "ones", ones)

    finds()
    return finds


def card(name: str) -> Gpu:
    return Gpu(name, memory_total_gib=24.0)


def looked(device: str = "cuda", role: Any = "workstation", quantization: Any = "none") -> dict[str, Check]:
    config = ApplianceConfig()
    settings = replace(config.align.alignment, quantization=quantization)
    config = replace(config, align=replace(config.align, device=device, alignment=settings))  # type: ignore[arg-type]
    return {check.name: check for check in gpu.look(Patient(Path("/"), config, role))}


def test_no_driver_matters_only_where_a_gpu_is_configured() -> None:
    assert looked("cpu")["GPU"].state == "absent"
    assert looked("cuda")["GPU"].state == "broken"


def test_card_that_computes_is_good_and_told(machine: Callable[..., None], cuda: Callable[..., None]) -> None:
    machine(gpus=lambda: (card("NVIDIA L4"), card("NVIDIA T4")))
    found = looked()
    assert {check.state for check in found.values()} == {"ok"}
    assert found["GPU driver"].fact == "580.65.06"
    assert "NVIDIA L4 (24 GiB), NVIDIA T4" in found["GPU"].fact and "CUDA_VISIBLE_DEVICES" in found["GPU"].fact
    assert "20.0 of 24.0 GiB free" in found["CUDA"].fact


def test_driver_is_found_in_a_container_that_does_not_show_it(
    machine: Callable[..., None], cuda: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(driver="", gpus=tuple)
    monkeypatch.setattr(gpu, "_loads", lambda library: library == "libcuda.so.1")
    found = looked()
    assert (found["GPU driver"].state, found["CUDA"].state) == ("ok", "ok")


def test_a_station_asks_nothing_of_torch(machine: Callable[..., None]) -> None:
    machine()
    assert set(looked("cpu", "station")) == {"GPU driver", "GPU"}


def test_driver_that_was_updated_wants_a_restart(machine: Callable[..., None]) -> None:
    machine(driver="", gpus=tuple, trouble="Driver/library version mismatch", outdated=True)
    check = looked()["GPU driver"]
    assert check.state == "broken" and "restart" in check.fix


def test_torch_without_cuda_beside_a_card(machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    machine()
    monkeypatch.setattr(torch.version, "cuda", None)
    assert looked("cuda")["CUDA"].state == "broken"
    assert looked("cpu")["CUDA"].state == "warn" and "without CUDA" in looked("cpu")["CUDA"].fact


def test_driver_too_old_is_told_in_its_own_words(
    machine: Callable[..., None], cuda: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine()

    def too_old() -> bool:
        warnings.warn(OLD, stacklevel=2)
        return False

    cuda(there=False)
    monkeypatch.setattr(torch.cuda, "is_available", too_old)
    check = looked()["CUDA"]
    assert check.state == "broken" and "too old" in check.fact and "newer driver" in check.fix


def test_devices_that_are_not_there_or_hidden(
    machine: Callable[..., None], cuda: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine()
    cuda(there=False)
    monkeypatch.setattr(gpu, "_DEVICES", tmp_path)
    (tmp_path / "nvidiactl").touch()
    assert "/dev/nvidia-uvm is not there" in looked()["CUDA"].fix
    (tmp_path / "nvidia-uvm").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-0b0\x1b[2J")
    check = looked()["CUDA"]
    assert r"'GPU-0b0\x1b[2J'" in check.fact and "CUDA_VISIBLE_DEVICES" in check.fix


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("CUDA error: no kernel image is available\nCompile with"),
        torch.OutOfMemoryError("CUDA out of memory"),
    ],
)
def test_card_that_does_not_compute(
    machine: Callable[..., None], cuda: Callable[..., None], failure: Exception
) -> None:
    machine()
    cuda(failure=failure)
    check = looked()["CUDA"]
    assert check.state == "broken" and check.fact.endswith(str(failure).splitlines()[0])


def test_card_of_another_program_or_of_another_age(machine: Callable[..., None], cuda: Callable[..., None]) -> None:
    machine()
    cuda(free=3)
    assert looked()["CUDA"].state == "warn" and "other programs" in looked()["CUDA"].fix
    cuda(major=7)
    assert looked()["CUDA"].state == "warn" and "bfloat16" in looked()["CUDA"].fix


def test_card_that_trains_is_left_alone(
    machine: Callable[..., None], cuda: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine()
    cuda(failure=AssertionError("it was touched"))
    monkeypatch.setattr(gpu, "card_holder", lambda: "realign-edge align /srv/a (process 7)")
    check = looked()["CUDA"]
    assert check.state == "ok" and "align /srv/a" in check.fact


def test_four_bit_that_does_not_work_is_found(
    machine: Callable[..., None], cuda: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("\nConfigured CUDA binary not found at libbitsandbytes_cuda128.so\nmore")

    machine()
    monkeypatch.setattr(four, "quantize_4bit", fails)
    assert looked(quantization="none")["CUDA"].state == "ok"
    check = looked(quantization="nf4")["CUDA"]
    assert check.state == "broken" and "Configured CUDA binary" in check.fact
