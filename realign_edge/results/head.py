"""results.head: how many rows there are and the hash of the last, kept beside the file.

A chain alone does not show that its end was cut off; the head does. It is written after each row is safe on the disk,
so that it may be behind (a stop between the two), never ahead.

What neither can show: somebody who may write to both, and rewrites the whole chain and the head with it. Against that
helps only a head that lies elsewhere: every report prints one, and `results verify --expect` compares with it.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from realign_edge.errors import MissingError
from realign_edge.files import from_json, write_json


@dataclass(frozen=True, slots=True)
class Head:
    """entries: number of rows, and of the last one; hash: its hash, "" where there is none."""

    entries: int
    hash: str


def head_path(database: Path) -> Path:
    """Where the head of a results file lies."""
    return database.with_suffix(".head")


def read_head(database: Path) -> Head | None:
    """The head record; None where there is none.

    Raises:
        MissingError: it is damaged.
    """
    path = head_path(database)
    try:
        value = from_json(path.read_text(encoding="utf-8"))
        return Head(int(value["entries"]), str(value["hash"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as problem:
        raise MissingError(
            f"{path} is damaged: {problem}",
            "look with `realign-edge results verify`; `realign-edge maintain restore latest` puts a backup back",
        ) from problem


def raise_head(database: Path, last: Callable[[], Head]) -> None:
    """Write down the head that `last` reads now. Of several writers at once, the last one to write read last.

    Raises:
        OSError: it cannot be written.
    """
    with _alone(database):
        head = last()
        write_json(head_path(database), {"entries": head.entries, "hash": head.hash})


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    with database.with_suffix(".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
