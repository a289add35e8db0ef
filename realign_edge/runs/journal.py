"""Lines that must not be lost, such as people's choices: appended one by one, synced, by several processes at once."""

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from realign_edge.files import finite, sync_folder
from realign_edge.runs.events import end_of_whole_lines


def append_line(path: Path, value: dict[str, Any]) -> None:
    """Append one object as a line, with `time` (s since the epoch) added; read it back with `read_events`.

    Once this returns, a power cut does not lose it. A torn last line of an earlier power cut is cut off first.

    Raises:
        OSError: the line could not be written; nothing of it stays.
    """
    line = (json.dumps({"time": round(time.time(), 3), **finite(value)}, ensure_ascii=False) + "\n").encode()
    new = not path.exists()
    with path.open("ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        whole = end_of_whole_lines(file)
        file.truncate(whole)
        try:
            while line:
                line = line[file.write(line) :]
            os.fsync(file.fileno())
        except OSError as problem:
            with contextlib.suppress(OSError):
                file.truncate(whole)
            problem.filename = problem.filename or str(path)
            raise
    if new:
        sync_folder(path.parent)
