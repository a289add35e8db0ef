"""What this machine tells of itself; what it does not tell stays unknown."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from realign_edge.monitoring.model import Machine
from realign_edge.monitoring.nvml import Nvml

_GIB = 2**30
# Sensors of processors under Linux, in the order in which they are believed.
_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz")
_EVERY_S = 1.0


def _psutil() -> Any:
    """psutil where it is installed; a station's base install has none."""
    try:
        import psutil
    except ImportError:
        return None
    return psutil


class MachineReader:
    """Looks at the machine, at most once a second. folder: on the disk that counts."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock, self._nvml, self._psutil = folder, clock, Nvml(), _psutil()
        self._read_at: float | None = None
        self._last, self._busy = Machine(), (0.0, 0.0)

    def read(self, pid: int | None = None) -> Machine:
        """pid: the process that works on the run."""
        now = self._clock()
        if self._read_at is None or now - self._read_at >= _EVERY_S:
            self._read_at, self._last = now, self._look(pid)
        return self._last

    def _look(self, pid: int | None) -> Machine:
        used, total = self._memory()
        free, disk = self._disk()
        return Machine(
            cpu_share=self._cpu(),
            cores=os.cpu_count(),
            memory_used_gib=used,
            memory_total_gib=total,
            process_gib=_resident(pid) if pid else None,
            temperature_c=self._temperature(),
            disk_free_gib=free,
            disk_total_gib=disk,
            gpus=self._nvml.gpus(),
        )

    def _cpu(self) -> float | None:
        """Share since the last look; None at the first one."""
        try:
            fields = [float(v) for v in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        except (OSError, ValueError):
            return None
        before, self._busy = self._busy, (sum(fields) - fields[3] - fields[4], sum(fields))
        busy, whole = self._busy[0] - before[0], self._busy[1] - before[1]
        return min(max(busy / whole, 0.0), 1.0) if before[1] and whole > 0 else None

    def _memory(self) -> tuple[float | None, float | None]:
        if self._psutil is not None:
            memory = self._psutil.virtual_memory()
            return (memory.total - memory.available) / _GIB, memory.total / _GIB
        try:
            lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
            found = {name: int(rest.split()[0]) / 2**20 for name, rest in (line.split(":", 1) for line in lines)}
            return found["MemTotal"] - found["MemAvailable"], found["MemTotal"]
        except (OSError, ValueError, KeyError, IndexError):
            return None, None

    def _temperature(self) -> float | None:
        try:
            sensors = self._psutil.sensors_temperatures()
        except (AttributeError, OSError, ValueError):
            return None
        name = next((s for s in _SENSORS if sensors.get(s)), None)
        return None if name is None else max(float(s.current) for s in sensors[name])

    def _disk(self) -> tuple[float | None, float | None]:
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:
            return None, None
        return usage.free / _GIB, usage.total / _GIB


def _resident(pid: int) -> float | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / _GIB
