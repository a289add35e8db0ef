"""The models of this machine: adding one, finding the installed and embedded ones."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from realign_edge.carry.members import is_archive
from realign_edge.carry.reading import reading
from realign_edge.carry.staging import check_room, never, staging, sweep
from realign_edge.errors import Interrupted, MissingError, RealignError, UsageError
from realign_edge.files import sync_folder, write_json
from realign_edge.home import home, models_folder
from realign_edge.modelstore.archive import TarSource
from realign_edge.modelstore.checksums import compare, read_checksums
from realign_edge.modelstore.copy import copy_files, hashed
from realign_edge.modelstore.intake import Intake, inspect
from realign_edge.modelstore.manifest import NAME, Manifest, read_manifest
from realign_edge.modelstore.origin import origin_of
from realign_edge.modelstore.sizes import MIB
from realign_edge.modelstore.source import FolderSource, Source, WithLicence
from realign_edge.progress import Progress, Silent
from realign_edge.runs.lock import work_lock
from realign_edge.vlm.find import find_model

# Names are folder names on every file system, and never look like a path or an option.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class Added:
    """folder: where the model lies; new: False where it was there already; left_out: files that stayed behind."""

    folder: Path
    manifest: Manifest
    new: bool
    left_out: tuple[str, ...]


def store_folder() -> Path:
    """Where installed models lie."""
    folder = home() / "models"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def add(
    path: Path,
    *,
    name: str | None = None,
    checksums: Path | None = None,
    licence: Path | None = None,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = never,
) -> Added:
    """Take a model in from a folder or an archive.

    Raises:
        MissingError: the model is refused.
        UsageError: the name is taken by another model, or is no name.
        RealignError: there is no room, the copy failed, or another one is going on.
        Interrupted: somebody asked for an end; nothing is left of the copy.
    """
    progress, folder = progress or Silent(), store_folder()
    with work_lock(folder / ".lock", f"adding a model from {path}", hint="wait for it, then run the same command"):
        sweep(folder)
        source = _open(path, folder, progress, stopped)
        source = source if licence is None else WithLicence(source, licence)
        intake = inspect(source)
        name = _checked_name(source.label if name is None else name)
        wanted = read_checksums(checksums, intake.files) if checksums else {}
        target = folder / name
        if target.exists():
            manifest = _same(source, intake, target, wanted, progress, stopped)
            return Added(target, manifest, False, intake.left_out)
        check_room(folder, sum(source.entries[n].size for n in intake.files))
        with staging(folder, name) as place:
            files = copy_files(source, intake, place, wanted, progress, stopped)
            added = datetime.now().isoformat(timespec="seconds")
            manifest = Manifest(name, intake.family.name, added, origin_of(path, source.label, intake.family), files)
            # Last, so that a folder with a manifest is whole.
            write_json(place / NAME, manifest.to_json())
            place.rename(target)
            sync_folder(folder)
        return Added(target, manifest, True, intake.left_out)


def installed() -> list[Path]:
    """Folders of the models in the state folder and of those that ship with the program, by name."""
    return sorted([*_models_in(store_folder()), *_models_in(models_folder())], key=lambda p: p.name)


def locate(name: str) -> Path:
    """The folder of a model by name, also of an installed one that lost its config.json.

    Raises:
        MissingError: there is none.
    """
    folder = store_folder() / name
    return folder if _NAME.fullmatch(name) and (folder / NAME).is_file() else find_model(name)


def tidy() -> None:
    """Take away what killed copies left, unless a copy is going on."""
    folder = store_folder()
    if not any(folder.glob(".*.adding")):
        return
    try:
        with work_lock(folder / ".lock", "tidying"):
            sweep(folder)
    except RealignError:
        return


def _models_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        p
        for p in folder.iterdir()
        if not p.name.startswith(".") and any((p / n).is_file() for n in ("config.json", NAME))
    ]


def _open(path: Path, folder: Path, progress: Progress, stopped: Callable[[], bool]) -> Source:
    """The source that a path names.

    Raises:
        MissingError: it is neither a folder nor an archive.
        Interrupted: somebody asked for an end while the archive was read.
    """

    def seen(at: int) -> None:
        progress.advance(round(at / MIB))
        if stopped():
            raise Interrupted("stopped before anything was copied", "run the same command again")

    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise MissingError(f"there is no {path}", "name a model folder, a .tar or a .tar.gz")
    with reading(path):
        if not path.is_file() or not is_archive(path):
            raise MissingError(
                f"{path} is neither a folder nor a .tar or .tar.gz", "unpack it and name the model folder in it"
            )
        progress.start("Reading the archive", max(1, round(path.stat().st_size / MIB)), "MiB")
    source = TarSource(path, shutil.disk_usage(folder).free, seen)
    progress.finish()
    return source


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise UsageError(
            f"{name!r} cannot be the name of a model", "name it with --name: letters, digits, `.`, `_` and `-`"
        )
    if name in {p.name for p in _models_in(models_folder())}:
        raise UsageError(f"`{name}` is the name of the embedded model", "give the model another name with --name")
    return name


def _same(
    source: Source,
    intake: Intake,
    target: Path,
    wanted: dict[str, str],
    progress: Progress,
    stopped: Callable[[], bool],
) -> Manifest:
    """The manifest of an installed model that is the same.

    As rsync does, files of the same size and time of change count as the same; else all are hashed.

    Raises:
        UsageError: the installed one is another one.
    """
    another = UsageError(
        f"another model is installed as `{target.name}` already",
        f"give this one another name with --name, or delete {target} first",
    )
    if not (target / NAME).is_file():
        raise another
    manifest = read_manifest(target)
    files = manifest.files
    same = files.keys() == set(intake.files) and all(files[n].size == source.entries[n].size for n in files)
    if same and any(e.changed != files[n].changed or not e.changed for n in files if (e := source.entries[n])):
        found = dict(hashed(source, intake, progress, stopped, "Comparing"))
        same = all(files[n].sha256 == found.get(n) for n in files)
    if not same:
        raise another
    if torn := [n for n in sorted(files) if not _has_size(target / n, files[n].size)]:
        raise RealignError(
            f"`{target.name}` is installed already, but damaged: {torn[0]}", f"delete {target}, then add it again"
        )
    for name, copied in files.items():
        compare(wanted, name, copied.sha256)
    return manifest


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
