"""What killed processes leave: files and folders written beside their place, `.NAME.PID.tmp`, and never renamed."""

import os
import re
import shutil
from pathlib import Path

from realign_edge.runs.process import is_alive

_BESIDE = re.compile(r"\..+\.(\d+)\.tmp")


def sweep_leftovers(folder: Path, below: bool = False, apart: Path | None = None) -> list[Path]:
    """Take away those whose process is gone; below: in the folders below too, but for `apart`. What is gone.

    A number that another process has by now keeps a leftover until that one has ended.
    """
    gone = []
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            found = _BESIDE.fullmatch(name)
            if found and not is_alive(int(found[1])):
                _remove(Path(place) / name)
                gone.append(Path(place) / name)
        folders[:] = [f for f in folders if below and not _BESIDE.fullmatch(f) and not _is(Path(place) / f, apart)]
    return gone


def _is(folder: Path, apart: Path | None) -> bool:
    return apart is not None and folder.name == apart.resolve().name and folder.resolve() == apart.resolve()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
