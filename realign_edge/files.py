"""Files that are either whole or absent: write beside, fsync, rename; and content hashes."""

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from realign_edge.errors import FULL_IN_RUST, UsageError

# Of the 255 that file systems have for a name: a dot, a process number and an ending come to it.
_NAME_BYTES = 200


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write `data` so that a power cut leaves the old file or the new one, never a torn one."""
    beside = beside_of(path)
    try:
        write_synced(beside, data, told_as=path)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_synced(path: Path, data: bytes | str, told_as: Path) -> None:
    """Write a file that is not in its place yet, through to the disk.

    Raises:
        OSError: with `told_as` as its file where it names none, as a failed write does, unlike a failed open.
    """
    try:
        with opened_beside(path) as handle:
            handle.write(data.encode("utf-8") if isinstance(data, str) else data)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as problem:
        problem.filename = problem.filename or str(told_as)
        raise


@contextmanager
def made_beside(beside: Path) -> Iterator[Path]:
    """An empty folder to be filled and renamed; where that fails it is taken away, and the failure says where it was.

    Raises:
        OSError: with `beside` as its file where it named none, also for libraries in Rust on a full disk.
    """
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
    except OSError as problem:
        problem.filename = problem.filename or str(beside)
        raise
    except Exception as problem:
        if FULL_IN_RUST not in str(problem):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(beside)) from problem
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def copy_atomic(source: Path, target: Path) -> None:
    """A copy of a file that is whole or absent."""
    beside = beside_of(target)
    try:
        with source.open("rb") as read, opened_beside(beside) as handle:
            shutil.copyfileobj(read, handle, 2**20)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(target)
    except OSError as problem:
        # The system names the source; it is the target's disk that is full.
        problem.filename, problem.filename2 = str(target), None
        raise
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(target.parent)


def beside_of(path: Path) -> Path:
    """Where this process writes what is then renamed to `path`; `runs.leftovers` knows the form."""
    # A name may take all the bytes that a file system has for one; its own is then shortened.
    name = os.fsdecode(os.fsencode(path.name)[:_NAME_BYTES])
    return path.with_name(f".{name}.{os.getpid()}.tmp")


def opened_beside(beside: Path) -> BinaryIO:
    """A new, empty file. In a folder that others may write to, one that waits there, a link that leads elsewhere above
    all, is taken away and never written through.
    """
    beside.unlink(missing_ok=True)
    return beside.open("xb")


def make_folder(folder: Path) -> Path:
    """Make a folder that a person named, and those above it.

    Raises:
        UsageError: it cannot be one, for instance since a file has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, FileNotFoundError) as problem:
        why = "a file has this name, or one above it" if folder.parent.exists() else problem.strerror
        raise UsageError(f"the folder {folder} cannot be made: {why}", "name another folder") from problem
    return folder


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as stable, readable JSON (sorted keys, UTF-8), atomically.

    What is no text, such as a byte of a folder's name, becomes the escape that JSON has for it.
    """
    write_atomic(path, json_text(value).encode("utf-8", "backslashreplace"))


def json_text(value: Any) -> str:
    """`value` as `write_json` writes it."""
    return json.dumps(finite(value), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def from_json(text: str | bytes) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is none, or is nested deeper than this interpreter reads.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def finite(value: Any) -> Any:
    """The same value with null for NaN and infinities, which JSON does not know."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def sha256_bytes(data: bytes) -> str:
    """Hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of the file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fingerprint(*parts: Any) -> str:
    """16 hexadecimal characters that change when any JSON-representable part changes."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256_bytes(text.encode("utf-8"))[:16]
