"""The memory of this machine: what it has, what is in use, and how freed memory goes back."""

import ctypes
import os
import sys
from pathlib import Path

import torch

from realign_edge.vlm.model import Vlm

# mallopt(3)
_M_MMAP_THRESHOLD = -3


def used_memory(device: torch.device) -> int:
    """Bytes in use now: of this process on a CPU, of the device on a GPU, by other programs too."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        free, total = torch.cuda.mem_get_info(device)
        # What torch holds in reserve is not in use: loading leaves holes that cannot be given back, and training
        # fills them.
        return int(total - free) - torch.cuda.memory_reserved(device) + torch.cuda.memory_allocated(device)
    import psutil

    return int(psutil.Process().memory_info().rss)


def device_memory(device: torch.device) -> int:
    """Bytes that the device has in all.

    On a CPU what this process may have: a container's limit counts, and processes that a launcher started on
    this machine get equal shares.
    """
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    import psutil

    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return min(int(psutil.virtual_memory().total), _container_limit()) // here


def free_memory(device: torch.device) -> int:
    """Bytes that nobody uses now."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


def _container_limit() -> int:
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return 2**62


def use_once(vlm: Vlm) -> None:
    """A pass over a few tokens: what is loaded at first use is then there, and is measured instead of guessed.

    These are weights that are mapped from their file and not read yet, peft, and the code that the passes run.
    """
    import peft  # noqa: F401

    weight = vlm.model.get_input_embeddings().weight
    some = torch.zeros(1, 8, weight.shape[1], dtype=vlm.dtype, device=vlm.device, requires_grad=True)
    mask = torch.zeros(1, 1, 8, 8, dtype=vlm.dtype, device=vlm.device)
    with torch.enable_grad():
        vlm.language(some, attention_mask=mask).sum().backward()


def give_back_at_once() -> None:
    """Let the C library return every freed tensor of 256 KiB or more to the system, as the forecast assumes.

    Tensors are aligned to 64 bytes, and glibc before 2.38 cannot reuse a freed block for an aligned one of the
    same size: what a step keeps is then interspersed with holes, half as much again (measured). Fresh pages cost
    time, 0.4 of a step of a model of 33 million parameters, so it is done where memory is tight alone.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is not None and hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, 2**18)
