"""The installed bundles: `bundles/<id>/`, and the links `current` and `previous`, which are swapped in one step."""

import contextlib
import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.bundle.manifest import BundleManifest, is_id, parse_manifest
from realign_edge.bundle.verify import read_head
from realign_edge.carry.staging import sweep
from realign_edge.errors import MissingError, RealignError
from realign_edge.files import from_json, sync_folder, write_atomic
from realign_edge.runs.lock import work_lock

CURRENT, PREVIOUS = "current", "previous"
# What the links are about to be: written first, so that a swap that was cut short is finished by whoever comes next.
_INTENT = ".switch.json"
_ASKED = "asked"
_DELETING = ".deleting"


@dataclass(frozen=True, slots=True)
class Listed:
    """An installed bundle. manifest: None where it cannot be read, and `damage` says why."""

    id: str
    folder: Path
    active: bool
    previous: bool
    installed_at: float
    manifest: BundleManifest | None = None
    damage: str = ""


def bundles_folder(home: Path) -> Path:
    """Where installed bundles lie."""
    folder = home / "bundles"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def holding(home: Path, what: str) -> Iterator[Path]:
    """The folder of the bundles, to be changed by this process alone; what a killed one left is put right first.

    Raises:
        RealignError: another process changes it.
    """
    folder = bundles_folder(home)
    with work_lock(folder / ".lock", what, hint="wait for it, then run the same command again"):
        _finish_switch(folder)
        sweep(folder)
        for left in folder.glob(f".*{_DELETING}"):
            shutil.rmtree(left, ignore_errors=True)
        for left in (*folder.glob(".*.tmp"), *folder.glob(".*.link")):
            left.unlink(missing_ok=True)
        yield folder


def current(home: Path) -> Path:
    """The folder of the bundle that this station works with.

    Raises:
        MissingError: none is installed, or the link leads nowhere.
    """
    found = linked(home / "bundles", CURRENT)
    if not found:
        raise MissingError(
            "no bundle is installed here", "install one: realign-edge bundle install PATH --trust KEYFILE"
        )
    folder = home / "bundles" / found
    if not folder.is_dir():
        raise MissingError(f"the active bundle {found} is gone from {folder.parent}", "install it again, or roll back")
    return folder


def linked(folder: Path, name: str) -> str:
    """The id that a link names; "" where there is none, or where it leads out of the folder."""
    try:
        target = str((folder / name).readlink())
    except OSError:
        return ""
    return target if is_id(target) else ""


def switch(folder: Path, now: str, before: str, asked: str = "") -> None:
    """Make `now` the current bundle and `before` ("" = none) the previous one; the caller holds the lock.

    From the moment the intent is written, the change will happen, whatever becomes of this process. asked: by which
    command, for the same one after this one was cut short.
    """
    write_atomic(folder / _INTENT, json.dumps({CURRENT: now, PREVIOUS: before, _ASKED: asked}))
    _finish_switch(folder)


def cut_short(home: Path) -> str:
    """Which command began a swap of the links that the next holder of the bundles finishes; "" where none did."""
    return str((_intent(home / "bundles") or {}).get(_ASKED, ""))


def _intent(folder: Path) -> dict[str, Any] | None:
    """None where there is none; empty where it cannot be read."""
    try:
        wanted = from_json((folder / _INTENT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return wanted if isinstance(wanted, dict) else {}


def _finish_switch(folder: Path) -> None:
    path, wanted = folder / _INTENT, _intent(folder)
    if wanted is None:
        return
    # `current` first: a station that starts in between finds what was asked for.
    for name in (CURRENT, PREVIOUS):
        target = str(wanted.get(name, ""))
        if is_id(target):
            _point(folder, name, target)
        elif name in wanted:
            with contextlib.suppress(FileNotFoundError):
                (folder / name).unlink()
    sync_folder(folder)
    path.unlink()
    sync_folder(folder)


def _point(folder: Path, name: str, target: str) -> None:
    beside = folder / f".{name}.link"
    beside.unlink(missing_ok=True)
    try:
        beside.symlink_to(target)
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(problem.errno, problem.strerror, str(beside)) from problem
        raise RealignError(
            f"{folder} is on a file system without links ({problem.strerror})",
            "set REALIGN_EDGE_HOME to a folder on a local disk",
        ) from problem
    try:
        beside.replace(folder / name)
    except IsADirectoryError:
        raise RealignError(
            f"{folder / name} is a folder, where the link to a bundle belongs", "move it away, and do this again"
        ) from None
    sync_folder(folder)


def installed(home: Path) -> tuple[Listed, ...]:
    """Every installed bundle, the newest last; nothing is verified."""
    folder = home / "bundles"
    if not folder.is_dir():
        return ()
    now, before = linked(folder, CURRENT), linked(folder, PREVIOUS)
    places = [p for p in folder.iterdir() if is_id(p.name) and p.is_dir() and not p.is_symlink()]
    found = []
    for place in sorted(places, key=lambda p: (p.stat().st_mtime_ns, p.name)):
        about = (place.name, place, place.name == now, place.name == before, place.stat().st_mtime)
        try:
            found.append(Listed(*about, manifest=parse_manifest(read_head(place).manifest)))
        except RealignError as problem:
            found.append(Listed(*about, damage=problem.message))
    return tuple(found)


def locate(home: Path, name: str = "") -> Path:
    """An installed bundle by its id or the start of it; "" is the active one.

    Raises:
        MissingError: there is none, or several fit.
    """
    if not name:
        return current(home)
    known = [b.folder for b in installed(home)]
    fitting = [p for p in known if p.name.startswith(name)]
    if len(fitting) != 1:
        shown = ", ".join(p.name for p in known) or "there are none"
        raise MissingError(f"`{name}` fits {len(fitting)} installed bundles", f"installed: {shown}")
    return fitting[0]


def remove(folder: Path, name: str) -> None:
    """Delete a bundle that no link names; it is out of the way at once, however long deleting takes."""
    gone = folder / f".{name}{_DELETING}"
    (folder / name).rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def prune(home: Path, keep: int) -> tuple[str, ...]:
    """Delete the oldest bundles beyond `keep`; the active and the previous one always stay. Returns their ids."""
    with holding(home, "pruning bundles") as folder:
        known = installed(home)
        free = [b.id for b in known if not b.active and not b.previous]
        gone = free[: max(0, len(known) - keep)]
        for name in gone:
            remove(folder, name)
    return tuple(gone)
