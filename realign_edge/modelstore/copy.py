"""Copying a model in: into a folder beside its place, every file synced, and only then renamed."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from realign_edge.errors import Interrupted, MissingError
from realign_edge.files import from_json, sync_folder
from realign_edge.modelstore.checksums import compare
from realign_edge.modelstore.intake import Intake
from realign_edge.modelstore.manifest import Copied
from realign_edge.modelstore.sizes import MIB, gib
from realign_edge.modelstore.source import COPY_AGAIN, Source
from realign_edge.progress import Progress
from realign_edge.station.prompting.tokens import check_tokenizer


def copy_files(
    source: Source,
    intake: Intake,
    place: Path,
    wanted: Mapping[str, str],
    progress: Progress,
    stopped: Callable[[], bool],
) -> dict[str, Copied]:
    """Copy and hash the files of a model; wanted: SHA-256 by name, where they are known.

    Raises:
        MissingError: a file is not what its size, its form or its checksum says.
        Interrupted: somebody asked for an end.
        OSError: the disk is full, or the like.
    """
    done: dict[str, Copied] = {}
    for name, digest in hashed(source, intake, progress, stopped, "Copying", place):
        compare(wanted, name, digest)
        _check_copied(source, place / name)
        entry = source.entries[name]
        done[name] = Copied(entry.size, digest, entry.changed)
    if missing := set(intake.files) - done.keys():
        raise MissingError(f"{source.where} changed while it was read: {min(missing)} is gone", COPY_AGAIN)
    sync_folder(place)
    return done


def hashed(
    source: Source,
    intake: Intake,
    progress: Progress,
    stopped: Callable[[], bool],
    task: str,
    place: Path | None = None,
) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of each file, copied into `place` on the way where one is given.

    Raises:
        MissingError: a file has become shorter or longer.
        Interrupted: somebody asked for an end.
    """
    total, before = sum(source.entries[name].size for name in intake.files), 0
    progress.start(task, max(1, round(total / MIB)), "MiB")
    for name, chunks in source.stream(intake.files):
        size, digest = 0, hashlib.sha256()
        with _written(place and place / name) as write:
            for chunk in chunks:
                size += len(chunk)
                if size > source.entries[name].size:
                    break
                digest.update(chunk)
                write(chunk)
                progress.advance(round((before + size) / MIB))
                if stopped():
                    raise Interrupted("stopped, and nothing is left of the copy", "run the same command again")
        if size != source.entries[name].size:
            raise MissingError(f"{source.where}: {name} changed while it was read", COPY_AGAIN)
        before += size
        yield name, digest.hexdigest()
    progress.finish(gib(total))


@contextmanager
def _written(path: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Writes to a new file that is synced in the end; to nothing without a path."""
    if path is None:
        yield lambda _: None
        return
    with path.open("xb") as file:
        yield file.write
        file.flush()
        os.fsync(file.fileno())


def _check_copied(source: Source, path: Path) -> None:
    """The last word on form is the libraries' own."""
    try:
        if path.name == "tokenizer.json":
            check_tokenizer(path.read_bytes(), f"{source.where}: {path.name}")
        elif path.suffix == ".json":
            from_json(path.read_bytes())
        elif path.suffix == ".safetensors":
            from safetensors import SafetensorError, safe_open

            try:
                with safe_open(path, framework="np"):
                    pass
            except SafetensorError as problem:
                raise ValueError(str(problem)) from problem
    except (ValueError, RecursionError) as problem:
        raise MissingError(f"{source.where}: {path.name} is damaged: {problem}", COPY_AGAIN) from problem
