"""One piece of heavy work at a time: a lock that the kernel releases however the holder ends."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from realign_edge.errors import RealignError
from realign_edge.files import from_json

# Made by systemd's tmpfiles, for every user of the machine.
CARD = Path("/run/lock/realign-edge/gpu.lock")
# Anybody may write into that file, so no more of it is read than a holder writes.
_MOST_CHARACTERS = 4096
_held: set[TextIO] = set()


class BusyError(RealignError):
    """Somebody else holds the lock; the message says who, with what and since when."""


def _drop_in_child() -> None:
    """A forked worker must not keep the lock when the process that took it is killed."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for file in _held:
        os.dup2(nothing, file.fileno())
    os.close(nothing)
    _held.clear()


os.register_at_fork(after_in_child=_drop_in_child)


@contextmanager
def work_lock(
    path: Path, what: str, hint: str = "look at it with `realign-edge watch`, or stop it with `realign-edge runs stop`"
) -> Iterator[None]:
    """Hold the lock while working; hint: what somebody can do who meets it held.

    Raises:
        BusyError: somebody else holds it.
    """
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                f"other work is going on: {_holder(path)}",
                hint,
            ) from None
        _sign(file, what)
        _held.add(file)
        try:
            yield
        finally:
            _held.discard(file)


@contextmanager
def card_lock(device: str, what: str, path: Path = CARD) -> Iterator[None]:
    """Hold the GPU, whoever's state folder the work belongs to; without the appliance's lock file nothing is held.

    Raises:
        BusyError: somebody else trains on it.
    """
    if device == "cuda" and os.access(path, os.W_OK):
        with work_lock(path, what, "wait until it is done: one card holds one training"):
            yield
    else:
        yield


def card_holder(path: Path = CARD) -> str:
    """Who holds the GPU, in words; "" where nobody does."""
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(path)
    except OSError:
        return ""
    return ""


def _sign(file: TextIO, what: str) -> None:
    """Who holds it, for people. The lock is held without it, so a full disk is left to the work to tell."""
    about = {"pid": os.getpid(), "what": what, "since": datetime.now().isoformat(timespec="seconds")}
    with contextlib.suppress(OSError):
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), json.dumps(about).encode(), 0)


def _holder(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            about = from_json(file.read(_MOST_CHARACTERS))
        return f"{about['what']} (process {about['pid']}, since {about['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
