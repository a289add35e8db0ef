"""NVIDIA GPUs through their driver's own library, which is there wherever the driver is; without torch.

Functions and constants: NVML API reference, https://docs.nvidia.com/deploy/nvml-api/.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from realign_edge.monitoring.model import Gpu

_GIB = 2**30
_LIBRARY = "libnvidia-ml.so.1"
_TEMPERATURE_GPU = 0
# NVML_DEVICE_NAME_V2_BUFFER_SIZE
_NAME_BYTES = 96
# NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE
_VERSION_BYTES = 80
# NVML_ERROR_LIB_RM_VERSION_MISMATCH: a driver was installed over the one that still runs.
_MISMATCH = 18
_MOST_GPUS = 16


class _Memory(ctypes.Structure):
    """nvmlMemory_t, in bytes."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class _Utilization(ctypes.Structure):
    """nvmlUtilization_t, in percent of the last sample period."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Nvml:
    """The GPUs of this machine; none where there is no driver. Every value that it does not tell is None.

    trouble: why the driver does not answer, "" where it does and where there is none; outdated: another version of it
    is loaded than is installed.
    """

    def __init__(self, load: Callable[[str], Any] = ctypes.CDLL) -> None:
        self._library: Any = None
        self.trouble, self.outdated = "", False
        try:
            library = load(_LIBRARY)
            code = int(library.nvmlInit_v2())
        except (OSError, AttributeError):
            return
        if code == 0:
            self._library = library
        else:
            self.trouble, self.outdated = _in_words(library, code), code == _MISMATCH

    @property
    def driver(self) -> str:
        """Its version, such as 580.65.06; "" where it is not told."""
        buffer = ctypes.create_string_buffer(_VERSION_BYTES)
        if self._library is None or self._call("nvmlSystemGetDriverVersion", buffer, ctypes.c_uint(_VERSION_BYTES)):
            return ""
        return buffer.value.decode("utf-8", "replace")

    def gpus(self) -> tuple[Gpu, ...]:
        """What each tells now."""
        if self._library is None:
            return ()
        count = self._value("nvmlDeviceGetCount_v2", ctypes.c_uint()) or 0
        return tuple(self._gpu(i) for i in range(min(count, _MOST_GPUS)))

    def _gpu(self, index: int) -> Gpu:
        handle = ctypes.c_void_p()
        if self._call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle)):
            return Gpu(f"GPU {index}")
        memory, busy = _Memory(), _Utilization()
        has_memory = not self._call("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory))
        has_busy = not self._call("nvmlDeviceGetUtilizationRates", handle, ctypes.byref(busy))
        sensor = ctypes.c_uint(_TEMPERATURE_GPU)
        milliwatts = self._of(handle, "nvmlDeviceGetPowerUsage")
        limit = self._of(handle, "nvmlDeviceGetEnforcedPowerLimit")
        return Gpu(
            self._name(handle, index),
            share=busy.gpu / 100 if has_busy else None,
            memory_used_gib=memory.used / _GIB if has_memory else None,
            memory_total_gib=memory.total / _GIB if has_memory else None,
            temperature_c=self._of(handle, "nvmlDeviceGetTemperature", sensor),
            power_w=None if milliwatts is None else milliwatts / 1000,
            power_limit_w=None if limit is None else limit / 1000,
        )

    def _name(self, handle: ctypes.c_void_p, index: int) -> str:
        buffer = ctypes.create_string_buffer(_NAME_BYTES)
        failed = self._call("nvmlDeviceGetName", handle, buffer, ctypes.c_uint(_NAME_BYTES))
        return f"GPU {index}" if failed else buffer.value.decode("utf-8", "replace")

    def _of(self, handle: ctypes.c_void_p, function: str, *more: Any) -> float | None:
        value = ctypes.c_uint()
        return None if self._call(function, handle, *more, ctypes.byref(value)) else float(value.value)

    def _value(self, function: str, value: ctypes.c_uint) -> int | None:
        return None if self._call(function, ctypes.byref(value)) else int(value.value)

    def _call(self, function: str, *arguments: Any) -> int:
        """0 where it worked."""
        try:
            return int(getattr(self._library, function)(*arguments))
        except AttributeError:
            return -1


def _in_words(library: Any, code: int) -> str:
    try:
        library.nvmlErrorString.restype = ctypes.c_char_p
        said = library.nvmlErrorString(code)
    except AttributeError:
        said = None
    return f"NVIDIA's driver does not answer: {said.decode('utf-8', 'replace') if said else f'error {code}'}"
