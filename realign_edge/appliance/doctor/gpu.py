"""The GPU: its driver, the cards, and whether torch computes on the one that training takes."""

import ctypes
import importlib.util
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from realign_edge.appliance.doctor.model import Check, Patient, State
from realign_edge.monitoring.nvml import Nvml
from realign_edge.runs.lock import card_holder

GROUP = "machine"
_GIB = 2**30
_VERSION = Path("/proc/driver/nvidia/version")
_LIBRARY = "libcuda.so.1"
_DEVICES = Path("/dev")
# Without these, which the driver makes, no program computes.
_NEEDED = ("nvidiactl", "nvidia-uvm")
# The first whose tensor cores compute in bfloat16, which training on a GPU does: Ampere, of 2020.
_BFLOAT16 = 8
_RESTART = "the driver was updated and the old one is still loaded: restart the machine"


def look(patient: Patient) -> Iterator[Check]:
    """The checks of driver and cards, and on a workstation of CUDA."""
    wanted, nvml = patient.config.align.device == "cuda", Nvml()
    if not (nvml.driver or nvml.trouble or _VERSION.exists() or _loads(_LIBRARY)):
        state: State = "broken" if wanted else "absent"
        fix = "install NVIDIA's driver, or set align.device to cpu" if wanted else ""
        yield Check(GROUP, "GPU", state, "no NVIDIA driver is loaded", fix)
        return
    if nvml.trouble:
        fix = (
            _RESTART
            if nvml.outdated
            else "`nvidia-smi` must show a GPU: install the driver again, or `modprobe nvidia`"
        )
        yield Check(GROUP, "GPU driver", "broken" if wanted else "warn", nvml.trouble, fix)
    else:
        yield Check(GROUP, "GPU driver", "ok", nvml.driver or "loaded; its version is not told here")
    yield from _cards(nvml)
    if patient.role == "workstation":
        yield _cuda(wanted, patient.config.align.alignment.quantization == "nf4")


def _cards(nvml: Nvml) -> Iterator[Check]:
    cards = nvml.gpus()
    told = [f"{c.name}" + (f" ({c.memory_total_gib:.0f} GiB)" if c.memory_total_gib else "") for c in cards]
    if told:
        several = "; training takes the first, CUDA_VISIBLE_DEVICES chooses another" if len(told) > 1 else ""
        yield Check(GROUP, "GPU", "ok", ", ".join(told) + several)


def _cuda(wanted: bool, in_4_bit: bool) -> Check:
    bad: State = "broken" if wanted else "warn"
    if importlib.util.find_spec("torch") is None:
        return Check(GROUP, "CUDA", bad, "torch is not installed", "install the workstation's packages")
    import torch

    if torch.version.cuda is None:
        fix = "install the workstation archive, whose torch is built with CUDA"
        return Check(GROUP, "CUDA", bad, f"torch {torch.__version__} is built without CUDA", fix)
    there, why = _sees()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    about = f"CUDA {torch.version.cuda}" + ("" if chosen is None else f", CUDA_VISIBLE_DEVICES={chosen!r}")
    if not there:
        return Check(GROUP, "CUDA", bad, f"torch sees no GPU ({about}){': ' if why else ''}{why}", _way_out(why))
    if holder := card_holder():
        # A context of our own would take memory from a training that has planned with all of it.
        return Check(GROUP, "CUDA", "ok", f"{about}; not tried, since the card is in use: {holder}")
    try:
        return _computes(torch, about, in_4_bit)
    except (RuntimeError, AssertionError) as failure:
        fix = "`nvidia-smi` says who uses the card and whether this torch knows it; restart the machine"
        return Check(GROUP, "CUDA", bad, f"{about}, and it does not compute: {_first_line(failure)}", fix)


def _sees() -> tuple[bool, str]:
    """Whether torch sees a GPU, and what it says where it does not."""
    import torch

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        there = torch.cuda.is_available()
    return there, _first_line(said[0].message) if said and not there else ""


def _way_out(why: str) -> str:
    if "too old" in why:
        return "install a newer driver, or a workstation archive whose torch was built for this one"
    missing = [name for name in _NEEDED if not (_DEVICES / name).exists()]
    if missing:
        where = ", ".join(f"/dev/{name}" for name in missing)
        return f"{where} is not there: `nvidia-modprobe -u -c 0` as root makes it, nvidia-persistenced keeps it"
    if not all(os.access(_DEVICES / name, os.R_OK | os.W_OK) for name in _NEEDED):
        return "give this user access to /dev/nvidia*"
    return "`nvidia-smi` must show a GPU, and CUDA_VISIBLE_DEVICES, where it is set, name one of them"


def _computes(torch: Any, about: str, in_4_bit: bool) -> Check:
    """A few numbers added on the card that training takes: what else fails, fails here."""
    card = torch.cuda.get_device_properties(0)
    torch.ones(64, 64, device="cuda", dtype=torch.bfloat16).sum().item()
    if in_4_bit and (problem := _quantises(torch)):
        fix = "install the workstation archive again; its bitsandbytes must know this CUDA"
        return Check(GROUP, "CUDA", "broken", f"{about}, {card.name}, and 4 bit does not work: {problem}", fix)
    free, total = torch.cuda.mem_get_info(0)
    fact = f"{card.name} computes; {free / _GIB:.1f} of {total / _GIB:.1f} GiB free, {about}"
    if card.major < _BFLOAT16:
        fix = "a card of Ampere (2020) or newer computes in bfloat16; on this one training is slow"
        return Check(GROUP, "CUDA", "warn", fact, fix)
    if free < total / 2:
        return Check(GROUP, "CUDA", "warn", fact, "other programs hold the rest: `nvidia-smi` names them")
    return Check(GROUP, "CUDA", "ok", fact)


def _quantises(torch: Any) -> str:
    """Why bitsandbytes cannot, "" where it can."""
    try:
        from bitsandbytes.functional import dequantize_4bit, quantize_4bit

        bits, state = quantize_4bit(torch.ones(64, 64, device="cuda", dtype=torch.bfloat16), quant_type="nf4")
        dequantize_4bit(bits, state).sum().item()
    except (ImportError, RuntimeError, AttributeError, NotImplementedError) as problem:
        return _first_line(problem)
    return ""


def _loads(library: str, load: Callable[[str], Any] = ctypes.CDLL) -> bool:
    try:
        load(library)
    except OSError:
        return False
    return True


def _first_line(said: object) -> str:
    return next((line.strip() for line in str(said).splitlines() if line.strip()), type(said).__name__)[:200]
