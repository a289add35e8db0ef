"""results.head: how many rows there are and the hash of the last, kept beside the file.

A chain alone does not show that its end was cut off; the head does. It is written down beside before a row is, so that
a disk without room for it takes no row either, and comes into its place once the row is safe: a stop between the two
leaves it one row behind, never ahead, and whoever opens the file next puts that right. Until then nothing shows that
this newest row is taken off again; a row that was put on by hand is no better hidden than before, since whoever writes
the next one writes a head that covers it.

What neither can show: somebody who may write to both, and rewrites the whole chain and the head with it. Against that
helps only a head that lies elsewhere: every report prints one, and `results verify --expect` compares with it.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from realign_edge.errors import MissingError, RealignError
from realign_edge.files import beside_of, from_json, json_text, sync_folder, write_atomic, write_synced

# As long as SQLite waits for its own lock.
_WAIT_S = 30.0
_AGAIN_S = 0.001


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
        RealignError: another process is writing for too long.
    """
    with _alone(database):
        _write(database, last())


@contextmanager
def next_head(database: Path) -> Iterator[Callable[[Head], None]]:
    """Alone among the writers of this file; what is yielded takes the head that is to hold once all within is done.

    It is written beside at once, and put in place at the end. Where that fails all the same, the head stays behind.

    Raises:
        OSError: there is no room for it.
        RealignError: another process is writing for too long.
    """
    path = head_path(database)
    staged, prepared = beside_of(path), False

    def prepare(head: Head) -> None:
        nonlocal prepared
        if head.entries == 1 and not path.exists():
            # So that a first row without a head is not left by a stop.
            _write(database, Head(0, ""))
        write_synced(staged, _text(head), told_as=path)
        prepared = True

    with _alone(database):
        try:
            yield prepare
            # A file of that name alone tells nothing: a killed process may have had the same number.
            if prepared:
                with suppress(OSError):
                    staged.replace(path)
                    sync_folder(path.parent)
        finally:
            staged.unlink(missing_ok=True)


def _text(head: Head) -> str:
    return json_text({"entries": head.entries, "hash": head.hash})


def _write(database: Path, head: Head) -> None:
    write_atomic(head_path(database), _text(head))


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """One writer at a time. In turns: who has just written waits behind whoever holds the folder and waits for him."""
    until = time.monotonic() + _WAIT_S
    with database.with_suffix(".lock").open("a") as file:
        folder = os.open(database.parent, os.O_RDONLY)
        try:
            # A folder in the network cannot be locked everywhere: there it is only the turns that are missing.
            with suppress(OSError):
                _lock(folder, database, until)
            _lock(file.fileno(), database, until)
        finally:
            os.close(folder)
        yield


def _lock(file: int, database: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                said = f"{database} is in use by another realign-edge"
                raise RealignError(said, "wait until it is done, then start again") from None
            time.sleep(_AGAIN_S)
        else:
            return
