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

    def __init__(self, build: Callable[..., Subject], *arguments: Any, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, threads, build, arguments), daemon=True)
        self._process.start()
        self.base_bytes = self._get()

    def round(self) -> tuple[float, float]:
        """Seconds and result of one round."""
        self._pipe.send("round")
        seconds, value = self._get()
        return seconds, value

    def close(self) -> int:
        """End the process; its peak in bytes above what it held before the model was there."""
        self._pipe.send("end")
        peak = int(self._get())
        self._process.join()
        return peak - int(self.base_bytes)

    def _get(self) -> Any:
        value = self._pipe.recv()
        if isinstance(value, str):
            raise RuntimeError(value)
        return value


def _serve(pipe: Any, threads: int, build: Callable[..., Subject], arguments: tuple[Any, ...]) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import traceback

    import torch
    import transformers  # noqa: F401 - what both sides import is no part of either's memory

    torch.set_num_threads(threads)
    try:
        base = resident("VmRSS")
        subject = build(*arguments)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        pipe.send(base)
        while pipe.recv() == "round":
            began = time.perf_counter()
            value = subject.round()
            pipe.send((time.perf_counter() - began, value))
        pipe.send(resident("VmHWM"))
    except BaseException:
        pipe.send(traceback.format_exc())


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
