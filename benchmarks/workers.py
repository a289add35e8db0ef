"""Subjects of a benchmark in processes of their own: one waits while the other works, and each has its own peak."""

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Protocol


class Subject(Protocol):
    """Something that does one round of work at a time and says what came out (a loss, for instance)."""

    def round(self) -> float:
        """Do the work once."""
        ...


class Worker:
    """A subject in a process of its own. `build` must be importable (the process is spawned)."""

    def __init__(
        self, build: Callable[..., Subject], *arguments: Any, threads: int, device: str = "cpu", most_bytes: int = 0
    ) -> None:
        """device: whose memory counts; most_bytes: of a GPU's memory what the process may have, 0 = all."""
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(there, (threads, device, most_bytes), build, arguments), daemon=True
        )
        self._process.start()
        self.base_bytes = self._get()

    def round(self) -> tuple[float, float]:
        """Seconds and result of one round."""
        self._pipe.send(("round",))
        seconds, value = self._get()
        return seconds, value

    def ask(self, method: str, *arguments: Any) -> Any:
        """What a method of the subject gives."""
        self._pipe.send((method, *arguments))
        return self._get()[1]

    def close(self) -> int:
        """End the process; its peak in bytes above what it held before the model was there."""
        self._pipe.send(("end",))
        peak = int(self._get())
        self._process.join()
        return peak - int(self.base_bytes)

    def _get(self) -> Any:
        value = self._pipe.recv()
        if isinstance(value, str):
            raise RuntimeError(value)
        return value


def _serve(pipe: Any, place: tuple[int, str, int], build: Callable[..., Subject], arguments: tuple[Any, ...]) -> None:
    threads, device, most_bytes = place
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import traceback

    import torch
    import transformers  # noqa: F401 - what both sides import is no part of either's memory

    torch.set_num_threads(threads)
    try:
        base = begin(device, most_bytes)
        subject = build(*arguments)
        forget_peak(device)
        pipe.send(base)
        while (asked := pipe.recv())[0] != "end":
            settle(device)
            began = time.perf_counter()
            value = getattr(subject, asked[0])(*asked[1:])
            settle(device)
            pipe.send((time.perf_counter() - began, value))
        pipe.send(peak_bytes(device))
    except BaseException:
        pipe.send(traceback.format_exc())


def begin(device: str, most_bytes: int) -> int:
    """Bytes in use before there is a model; on a GPU, where nothing is, also the limit of the process."""
    if device == "cpu":
        return resident("VmRSS")
    import torch

    if most_bytes:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, most_bytes / total), torch.device(device, 0))
    return 0


def settle(device: str) -> None:
    """Wait until a GPU has done what it was given."""
    if device != "cpu":
        import torch

        torch.cuda.synchronize()


def forget_peak(device: str) -> None:
    """Count the peak from here on."""
    if device == "cpu":
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return
    import torch

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()


def peak_bytes(device: str) -> int:
    """The most that was resident, or on a GPU reserved: that is what others cannot have."""
    if device == "cpu":
        return resident("VmHWM")
    import torch

    return int(torch.cuda.max_memory_reserved())


def resident(field: str) -> int:
    """Bytes of this process by the kernel's count: VmRSS now, VmHWM at the peak."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"the kernel does not tell {field}")


def compare(ours: Worker, theirs: Worker, rounds: int, warm_up: int = 1) -> dict[str, Any]:
    """Take turns; seconds of every round after the warm-up, results of all rounds."""
    found: dict[str, Any] = {"ours": [], "theirs": [], "our_values": [], "their_values": []}
    for number in range(warm_up + rounds):
        for name, worker in (("our", ours), ("their", theirs)):
            seconds, value = worker.round()
            found[f"{name}_values"].append(value)
            if number >= warm_up:
                found["ours" if name == "our" else "theirs"].append(seconds)
    return found


def ratio(theirs: list[float], ours: list[float]) -> tuple[float, float, float]:
    """How much faster we are: median, lowest and highest of the rounds' ratios."""
    each = [b / a for a, b in zip(ours, theirs, strict=True)]
    return median(each), min(each), max(each)
