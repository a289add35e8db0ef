"""A bundle's files brought to this machine: hashed on the way, synced, and put in place whole."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from realign_edge.bundle.contract import MANIFEST, SIGNATURE
from realign_edge.bundle.errors import Problem
from realign_edge.bundle.manifest import BundleManifest
from realign_edge.bundle.sources import BundleSource
from realign_edge.bundle.verify import not_as_signed
from realign_edge.carry.sizes import MIB
from realign_edge.errors import Interrupted
from realign_edge.files import sync_folder
from realign_edge.progress import Progress


def copy_bundle(
    source: BundleSource, manifest: BundleManifest, place: Path, progress: Progress, stopped: Callable[[], bool]
) -> None:
    """Every file, hashed on the way; manifest and signature last.

    Raises:
        BundleError: files are not as signed; every one is named.
        Interrupted: somebody asked for an end.
    """
    done, problems, seen = 0, list[Problem](), set[str]()
    progress.start("Copying", max(1, round(manifest.size / MIB)), "MiB")
    for file, chunks in source.stream(manifest):
        path, digest, size = place / file.path, hashlib.sha256(), 0
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as copy:
            for chunk in chunks:
                if stopped():
                    raise Interrupted("stopped, and nothing is left of the copy", "run the same command again")
                size += len(chunk)
                # What has grown since it was measured must not fill the disk.
                if size > file.size:
                    break
                digest.update(chunk)
                copy.write(chunk)
                progress.advance(round((done + size) / MIB))
            copy.flush()
            os.fsync(copy.fileno())
        done += file.size
        seen.add(file.path)
        if size != file.size or digest.hexdigest() != file.sha256:
            problems.append(Problem("changed", file.path, "other content"))
    problems += [Problem("missing", f.path) for f in manifest.files if f.path not in seen]
    if problems:
        raise not_as_signed(source.where, problems)
    for name, data in ((MANIFEST, source.head.manifest), (SIGNATURE, source.head.signature)):
        with (place / name).open("xb") as copy:
            copy.write(data)
            copy.flush()
            os.fsync(copy.fileno())
    for inner in {place, *(p for p in place.rglob("*") if p.is_dir())}:
        sync_folder(inner)
    progress.finish(f"{len(manifest.files)} files")


def put(place: Path, target: Path) -> None:
    """The copy takes its place; a damaged bundle there is put right file by file, since the links may name it."""
    if not target.is_dir():
        place.rename(target)
        return
    wanted = {p.relative_to(place).as_posix() for p in place.rglob("*")}
    for extra in sorted(target.rglob("*"), reverse=True):
        if extra.relative_to(target).as_posix() not in wanted or extra.is_symlink():
            _delete(extra)
    for path in sorted(place.rglob("*")):
        goal = target / path.relative_to(place)
        if path.is_dir():
            if goal.exists() and not goal.is_dir():
                goal.unlink()
            goal.mkdir(exist_ok=True)
        else:
            if goal.is_dir():
                shutil.rmtree(goal)
            path.replace(goal)
    for inner in {target, *(p for p in target.rglob("*") if p.is_dir())}:
        sync_folder(inner)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
