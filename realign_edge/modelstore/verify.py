"""Is an installed model still what was taken in?"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from realign_edge.carry.reading import CHUNK
from realign_edge.carry.staging import never
from realign_edge.errors import Interrupted
from realign_edge.modelstore.manifest import NAME, read_manifest
from realign_edge.modelstore.sizes import MIB
from realign_edge.progress import Progress, Silent


@dataclass(frozen=True, slots=True)
class Verified:
    """What differs from the manifest, by file name; checked: how many files it names."""

    name: str
    checked: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Is everything as it was taken in?"""
        return not (self.changed or self.missing or self.extra)


def verify(folder: Path, progress: Progress | None = None, stopped: Callable[[], bool] = never) -> Verified:
    """Hash every file and compare with the manifest.

    Raises:
        MissingError: the model has no manifest.
        RealignError: the manifest is damaged.
        Interrupted: somebody asked for an end.
    """
    manifest, progress = read_manifest(folder), progress or Silent()
    progress.start("Verifying", max(1, round(manifest.size / MIB)), "MiB")
    changed, missing, done = [], [], 0
    for name, copied in sorted(manifest.files.items()):
        path = folder / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            changed.append(name)
        elif not path.exists():
            missing.append(name)
        elif path.stat().st_size != copied.size or _sha256(path, done, progress, stopped) != copied.sha256:
            changed.append(name)
        done += copied.size
        progress.advance(round(done / MIB))
    known = manifest.files.keys() | {NAME}
    extra = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not _known(p, folder, known))
    progress.finish(f"{len(manifest.files)} files")
    return Verified(manifest.name, len(manifest.files), tuple(changed), tuple(missing), tuple(extra))


def _known(path: Path, folder: Path, known: Collection[str]) -> bool:
    """Named by the manifest, or a folder whose files are told of one by one."""
    return str(path.relative_to(folder)) in known or (path.is_dir() and not path.is_symlink())


def _sha256(path: Path, before: int, progress: Progress, stopped: Callable[[], bool]) -> str:
    digest, done = hashlib.sha256(), before
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if stopped():
                raise Interrupted("stopped before every file was looked at", "run the same command again")
            digest.update(chunk)
            done += len(chunk)
            progress.advance(round(done / MIB))
    return digest.hexdigest()
