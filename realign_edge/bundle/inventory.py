"""What really lies in a bundle's folder, held against its manifest. Links are never followed, devices never opened."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from realign_edge.bundle.contract import MANIFEST, SIGNATURE
from realign_edge.bundle.errors import Problem
from realign_edge.bundle.manifest import BundleFile
from realign_edge.carry.reading import CHUNK
from realign_edge.carry.sizes import MIB
from realign_edge.carry.staging import never
from realign_edge.errors import Interrupted
from realign_edge.progress import Progress, Silent

# More entries than any bundle has: a folder that never ends is not walked to its end.
_MOST_ENTRIES = 1_000_000
_KNOWN = (MANIFEST, SIGNATURE)
Form = Literal["file", "folder", "link", "device"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a folder. path: below it, with `/`; size: bytes of a file."""

    path: str
    form: Form
    size: int = 0


def walk(folder: Path) -> Iterator[Entry]:
    """Everything below a folder.

    Raises:
        OSError: it cannot be read.
    """
    waiting, count = [folder], 0
    while waiting:
        here = waiting.pop()
        with os.scandir(here) as found:
            for item in sorted(found, key=lambda e: e.name):
                count += 1
                if count > _MOST_ENTRIES:
                    return
                entry = _entry(item, folder)
                yield entry
                if entry.form == "folder":
                    waiting.append(Path(item.path))


def _entry(item: "os.DirEntry[str]", folder: Path) -> Entry:
    path = Path(item.path).relative_to(folder).as_posix()
    if item.is_symlink():
        return Entry(path, "link")
    about = item.stat(follow_symlinks=False)
    if stat.S_ISDIR(about.st_mode):
        return Entry(path, "folder")
    return Entry(path, "file", about.st_size) if stat.S_ISREG(about.st_mode) else Entry(path, "device")


def compare(entries: Sequence[Entry], files: Sequence[BundleFile]) -> list[Problem]:
    """What is missing, extra, odd or of another size; no file is opened."""
    wanted = {f.path: f for f in files}
    folders = {str(p) for path in wanted for p in PurePosixPath(path).parents}
    seen: set[str] = set()
    problems: list[Problem] = []
    for entry in entries:
        problem = _judge(entry, wanted.get(entry.path), entry.path in folders)
        problems += [problem] if problem else []
        seen.add(entry.path)
    problems += [Problem("missing", path) for path in wanted if path not in seen]
    return sorted(problems, key=lambda p: (p.path, p.kind))


def _judge(entry: Entry, file: BundleFile | None, is_folder: bool) -> Problem | None:
    known = file is not None or entry.path in _KNOWN
    if entry.form == "link":
        return Problem("odd", entry.path, "a link, which is never followed")
    if entry.form == "device":
        return Problem("odd", entry.path, "a device, pipe or socket")
    if entry.form == "folder":
        if known:
            return Problem("odd", entry.path, "a folder in place of a file")
        return None if is_folder else Problem("extra", f"{entry.path}/", "a folder")
    if not known:
        return Problem("extra", entry.path)
    if file is not None and entry.size != file.size:
        return Problem("changed", entry.path, f"{entry.size:,} bytes instead of {file.size:,}")
    return None


def differing(
    folder: Path,
    files: Sequence[BundleFile],
    progress: Progress | None = None,
    stopped: Callable[[], bool] = never,
    task: str = "Verifying",
) -> list[Problem]:
    """Files whose bytes are not those of the manifest.

    Raises:
        Interrupted: somebody asked for an end.
    """
    progress, done, problems = progress or Silent(), 0, []
    progress.start(task, max(1, round(sum(f.size for f in files) / MIB)), "MiB")
    for file in files:
        digest = hashlib.sha256()
        try:
            for chunk in read_plain(folder / file.path):
                if stopped():
                    raise Interrupted("stopped before every file was looked at", "run the same command again")
                digest.update(chunk)
                done += len(chunk)
                progress.advance(round(done / MIB))
        except OSError as problem:
            problems.append(Problem("changed", file.path, f"cannot be read: {problem.strerror or problem}"))
            continue
        if digest.hexdigest() != file.sha256:
            problems.append(Problem("changed", file.path, "other content"))
    progress.finish(f"{len(files)} files")
    return problems


def read_plain(path: Path) -> Iterator[bytes]:
    """The bytes of a regular file, never of what a link leads to.

    Raises:
        OSError: it is none, or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "no regular file", str(path))
        while chunk := file.read(CHUNK):
            yield chunk
