"""A command of realign-edge in a forked process that has its libraries loaded, and how `kill -9` reaches it.

Loading torch takes longer than most of the work, and nothing is written meanwhile: forked from a process that has done
so, a command begins at once, and kills hit work instead of imports. What is forked runs the same `main()`.
"""

import mmap
import os
import resource
import select
import signal
import sqlite3
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

# Audit events that change the file system; what is opened for reading does not count.
_CHANGES = frozenset(("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"))
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_LIMIT_S = 600.0
# So many writes show that a command hears signals; before that, asking it for an end would kill it.
_BEGUN = 5
_connect = sqlite3.connect


@dataclass(frozen=True, slots=True)
class Aim:
    """at: just before the n-th write; after: `seconds` after it; half: in the middle of it, or of the next one that is
    long enough, when a file has `size` bytes; time: `seconds` after the start."""

    kind: Literal["at", "after", "half", "time"]
    n: int = 0
    seconds: float = 0.0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """code: of the exit, None where it was killed; writes: that it had made; seconds: that it ran."""

    code: int | None
    writes: int
    seconds: float


class Counted:
    """An audit hook that counts the writes below `root` and the commits, and tells or kills at one of them."""

    def __init__(
        self, root: Path, count: mmap.mmap, aim: Aim | None, told: int, each: Callable[[], None] = lambda: None
    ) -> None:
        """each: called before every write."""
        self._root, self._count, self._aim, self._told = str(root), count, aim, told
        self._each, self._n = each, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """As sys.addaudithook wants it."""
        if event == "open":
            if isinstance(arguments[2], int) and arguments[2] & _WRITING:
                self._seen(arguments[0])
        elif event in _CHANGES:
            self._seen(arguments[0])

    def connect(self, *arguments: Any, **more: Any) -> sqlite3.Connection:
        """In the place of sqlite3.connect: SQLite's own writes raise no audit event."""
        db: sqlite3.Connection = _connect(*arguments, **more)
        db.set_trace_callback(self._statement)
        return db

    def _statement(self, text: str) -> None:
        if text.startswith(("COMMIT", "INSERT")):
            self._seen(self._root)

    def _seen(self, path: Any) -> None:
        if isinstance(path, int) or not os.fsdecode(path).startswith(self._root):
            return
        self._n += 1
        self._each()
        struct.pack_into("Q", self._count, 0, self._n)
        if self._aim is not None and self._n == self._aim.n:
            if self._aim.kind == "at":
                os.kill(os.getpid(), signal.SIGKILL)
            elif self._aim.kind == "after":
                os.write(self._told, b"!")
            elif self._aim.kind == "half":
                # The kernel writes up to here, and ends the process with SIGXFSZ: as final as SIGKILL.
                resource.setrlimit(resource.RLIMIT_FSIZE, (self._aim.size, resource.RLIM_INFINITY))


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    root: Path,
    log: Path,
    aim: Aim | None = None,
    enough: Callable[[], bool] | None = None,
    each: Callable[[], None] = lambda: None,
    typed: Path = Path(os.devnull),
) -> Ended:
    """Run a command to its end, or until it is killed.

    enough: when to ask it for an end (SIGTERM); each: called in it before every write; typed: a file with what a person
    types.
    """
    count, (hears, told) = mmap.mmap(-1, 8), os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(words, environment, log, Counted(root, count, aim, told, each), typed)
    os.close(told)
    try:
        begun = (lambda: enough() and _value(count) >= _BEGUN) if enough is not None else None
        code = _await(child, hears, aim, begun, began)
    finally:
        os.close(hears)
    return Ended(code, _value(count), time.monotonic() - began)


def _value(count: mmap.mmap) -> int:
    return int(struct.unpack("Q", count[:8])[0])


def _become(words: Sequence[str], environment: Mapping[str, str], log: Path, hook: Counted, typed: Path) -> NoReturn:
    code = 70
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(typed, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.environ.update(environment)
        # Python ignores it, and would go on with an error instead.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.argv = ["realign-edge", *words]
        sys.addaudithook(hook)
        sqlite3.connect = hook.connect  # type: ignore[assignment]
        from realign_edge.cli.main import main

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def _await(child: int, hears: int, aim: Aim | None, enough: Callable[[], bool] | None, began: float) -> int | None:
    kill_at = began + aim.seconds if aim is not None and aim.kind == "time" else None
    asked = False
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None
        now = time.monotonic()
        if kill_at is not None and now >= kill_at:
            os.kill(child, signal.SIGKILL)
            kill_at = None
        if now - began > _LIMIT_S:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise RuntimeError("it hangs")
        if enough is not None and not asked and enough():
            os.kill(child, signal.SIGTERM)
            asked = True
        if select.select([hears], [], [], 0.002)[0] and os.read(hears, 1) and aim is not None:
            kill_at = time.monotonic() + aim.seconds
