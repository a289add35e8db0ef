"""What SQLite says of a full disk, as a person should hear it."""

import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from realign_edge.errors import RealignError
from realign_edge.photos.database import explained


@pytest.mark.parametrize(("free", "said"), [(8192, "no space left"), (10**9, "disk I/O error")])
def test_full_disk_is_named_where_sqlite_speaks_of_an_io_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    """On a full file system in memory, SQLite answers so when it cannot make its -shm file larger."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: SimpleNamespace(free=free))
    problem = sqlite3.OperationalError("disk I/O error")
    problem.sqlite_errorcode = sqlite3.SQLITE_IOERR | (19 << 8)  # SQLITE_IOERR_SHMSIZE
    with pytest.raises(RealignError) as told, explained(tmp_path / "catalog.sqlite"):
        raise problem
    assert told.value.message.endswith(said)
    assert told.value.hint.startswith("make room on the disk")
