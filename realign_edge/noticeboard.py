"""A few words between the processes of a team that no longer work together: who failed, and who has told of it.

They hang in the store of the launcher, which outlives every process that it started. Without a launcher, or
where the store cannot be reached, nothing is ever read here, and every process speaks for itself.
"""

import os
from datetime import timedelta
from typing import Any

_FAILURE, _TOLD = "realign-edge/failure", "realign-edge/told"
_REACH_S = 10.0


def place() -> tuple[int, int]:
    """Rank and size of the team that the environment names; (0, 1) without a launcher."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def pin_failure(words: str) -> None:
    """Say why this process ends."""
    store = _store()
    if store is not None:
        store.set(_FAILURE, words)


def failure() -> str:
    """Why a process of the team has ended; empty where none said."""
    store = _store()
    return store.get(_FAILURE).decode() if store is not None and store.check([_FAILURE]) else ""


def pin_told() -> None:
    """The first process has told people of the end."""
    store = _store()
    if store is not None:
        store.set(_TOLD, "1")


def told(wait_s: float) -> bool:
    """Does the first process tell people of the end, within so many seconds?"""
    store = _store()
    try:
        if store is not None:
            store.wait([_TOLD], timedelta(seconds=wait_s))
    except RuntimeError:
        return False
    return store is not None


def _store() -> Any:
    """A connection to the launcher's store; None where there is none to be had."""
    if place()[1] == 1:
        return None
    import torch.distributed as dist

    store: Any = getattr(dist, "TCPStore", None)
    try:
        where = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        return store(*where, is_master=False, timeout=timedelta(seconds=_REACH_S))
    except (KeyError, TypeError, ValueError, RuntimeError):
        return None
