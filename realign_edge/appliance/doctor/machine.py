"""Processor, memory, disk, clock."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from realign_edge.appliance.doctor.model import Check, Patient

GROUP = "machine"
_GIB = 2**30
_FAST = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "VNNI"}
# A station's process, and a workstation's while it trains the embedded model.
_LEAST_MEMORY = {"station": 1.0, "workstation": 4.0}
# When this was written; a clock before it is wrong for certain.
_NOT_BEFORE = datetime(2026, 11, 1).timestamp()
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"}
# Rows that are newer than the clock by more than this tell that it went back.
_BEHIND_S = 120.0


def look(patient: Patient) -> Iterator[Check]:
    """Every check of this group."""
    yield _processor()
    yield _memory(patient)
    yield from _disk(patient)
    yield _clock(patient)


def _processor() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    flags = _first_line("/proc/cpuinfo", "flags").split()
    model = _first_line("/proc/cpuinfo", "model name") or "processor"
    known = [name for flag, name in _FAST.items() if flag in flags]
    fact = f"{model}, {cores} {'core' if cores == 1 else 'cores'}{', ' if known else ''}{', '.join(known)}"
    if flags and "avx2" not in flags:
        return Check(GROUP, "processor", "warn", fact, "without AVX2 everything works, several times slower")
    return Check(GROUP, "processor", "ok", fact)


def _memory(patient: Patient) -> Check:
    total, free = _memory_gib()
    if total is None or free is None:
        return Check(GROUP, "memory", "warn", "it is not told by this system")
    fact = f"{free:.1f} of {total:.1f} GiB are free"
    least = _LEAST_MEMORY[patient.role]
    if free < least:
        return Check(GROUP, "memory", "warn", fact, f"{least:.0f} GiB are wanted: close other programs")
    return Check(GROUP, "memory", "ok", fact)


def _disk(patient: Patient) -> Iterator[Check]:
    free = shutil.disk_usage(patient.home).free / _GIB
    least = patient.config.maintain.least_free_gib
    fact = f"{free:.1f} GiB are free for {patient.home}"
    if free < 0.2:
        yield Check(GROUP, "disk", "broken", fact, "free some space: nothing can be written safely")
    elif free < least:
        yield Check(GROUP, "disk", "warn", fact, f"below {least:g} GiB: `realign-edge runs prune` frees old runs")
    else:
        yield Check(GROUP, "disk", "ok", fact)
    kind = file_system(patient.home)
    if kind in _NETWORK:
        fix = "SQLite needs a local disk: set REALIGN_EDGE_HOME to one (photos may lie on the network)"
        yield Check(GROUP, "file system", "broken", f"{patient.home} lies on the network ({kind})", fix)
    else:
        yield Check(GROUP, "file system", "ok", f"{kind or 'local'}")


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The kind of file system that `path` lies on; "" where it is not told."""
    found, deepest = "", -1
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if path.is_relative_to(point) and len(point.parts) >= deepest:
            found, deepest = fields[2], len(point.parts)
    return found


def _clock(patient: Patient) -> Check:
    now = time.time()
    fact = f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"
    fix = "set the clock (timedatectl set-time ...): verdicts and reports carry its time"
    if now < _NOT_BEFORE:
        return Check(GROUP, "clock", "broken", f"{fact}, which is in the past", fix)
    newest = max((p for p in _written(patient.home) if p.exists()), key=lambda p: p.stat().st_mtime, default=None)
    if newest is not None and newest.stat().st_mtime - now > _BEHIND_S:
        later = f"{datetime.fromtimestamp(newest.stat().st_mtime).astimezone():%Y-%m-%d %H:%M}"
        fix += f"; where it is right now and was ahead before: touch {newest}"
        return Check(GROUP, "clock", "broken", f"{fact}, but {newest} was written {later}: it went back", fix)
    return Check(GROUP, "clock", "ok", fact)


def _written(home: Path) -> list[Path]:
    return [home / name for name in ("catalog.sqlite", "results.sqlite", "runs", "bundles", "watch/status.json")]


def _memory_gib() -> tuple[float | None, float | None]:
    """Total and available memory, that of the container where it is smaller."""
    found: dict[str, float] = {}
    for name in ("MemTotal", "MemAvailable"):
        text = _first_line("/proc/meminfo", name).removesuffix("kB").strip()
        if not text.isdigit():
            return None, None
        found[name] = int(text) / 2**20
    limit = _container_gib()
    total = min(found["MemTotal"], limit or found["MemTotal"])
    return total, min(found["MemAvailable"], total)


def _container_gib() -> float | None:
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return int(text) / _GIB if text.isdigit() else None


def _first_line(path: str, name: str) -> str:
    """What stands behind `name:` in a file of the system; "" where it is not there."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return ""
