"""A stderr that nobody may be reading any longer: a closed terminal or a full log disk does not end the work."""

import io
import os
import sys
from pathlib import Path
from typing import Any, cast


class _Forgiving(io.FileIO):
    """What cannot be written is dropped."""

    def write(self, data: Any, /) -> int:
        """All of it, as far as the caller is concerned."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def forgive_stderr() -> None:
    """Put it in the place of `sys.stderr`; where stdout is closed (a service without one), nobody wants the data."""
    if sys.stdout is None:
        # Held open as descriptor 1, so that no file that is opened later gets what is written there.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole process
    if sys.stderr is None:
        # Started with stderr closed: `print(file=None)` would put remarks among the data on stdout.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole process
        return
    try:
        raw = _Forgiving(sys.stderr.fileno(), "wb", closefd=False)
    except (OSError, io.UnsupportedOperation):
        return
    sys.stderr.flush()
    # Nothing is held back in a buffer: it would be tried again, and fail, when the process exits.
    sys.stderr = io.TextIOWrapper(cast("Any", raw), sys.stderr.encoding, "backslashreplace", write_through=True)
