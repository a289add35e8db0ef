"""Is the process that wrote a heartbeat still the one that has its number?"""

import os
from pathlib import Path


def process_mark(pid: int) -> str:
    """Start time of a process in clock ticks since boot; "" where it is not known, or the process is gone.

    Numbers of processes are used again; a number together with its start time is not.
    """
    try:
        about = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name, in parentheses, may itself hold spaces and parentheses: count from its end. Field 22 is the start.
    fields = about.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def is_alive(pid: int, mark: str = "") -> bool:
    """Does process `pid` run, and is it the one that `mark` was taken of ("" = whoever it is)?"""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        # A heartbeat that was damaged may name no number of any process.
        return False
    except PermissionError:
        pass
    return not mark or process_mark(pid) == mark
