"""The catalog: whole versions, whole transactions, and words for what goes wrong."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from realign_edge.errors import MissingError, RealignError
from realign_edge.photos import database, migrations
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.database import connect, transaction
from realign_edge.photos.migrations import MIGRATIONS, migrate
from realign_edge.photos.model import InspectionRecord, Photo
from realign_edge.photos.scan import ScannedFile

# Ends the process without any clean-up before the statement whose number is given.
KILLED = """
import os, sqlite3, sys
from pathlib import Path
from realign_edge.photos.database import connect
left = int(sys.argv[2])
def count(statement):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
opened = sqlite3.connect
def traced(*a, **k):
    db = opened(*a, **k)
    db.set_trace_callback(count)
    return db
sqlite3.connect = traced
connect(Path(sys.argv[1])).close()
"""


def schema(path: Path) -> tuple[int, list[str]]:
    db = sqlite3.connect(path)
    names = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    db.close()
    return version, names


def test_a_migration_killed_anywhere_leaves_a_whole_version(tmp_path: Path) -> None:
    whole = {0: list[str]()}
    for version in range(1, len(MIGRATIONS) + 1):
        db = sqlite3.connect(tmp_path / f"v{version}", isolation_level=None)
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                db.execute(statement)
        db.close()
        whole[version] = schema(tmp_path / f"v{version}")[1]
    path, seen, ended = tmp_path / "c.sqlite", set(), False
    for number in range(2, 60, 2):
        path.unlink(missing_ok=True)
        done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(number)], timeout=60)
        version, tables = schema(path)
        assert tables == whole[version]
        seen.add(version)
        ended = done.returncode == 0
        with Catalog(path) as catalog:
            assert catalog.roots() == ()
        assert schema(path) == (len(MIGRATIONS), whole[len(MIGRATIONS)])
        if ended:
            break
    assert ended
    assert seen == set(whole)


def test_a_catalog_of_the_first_version_keeps_its_contents(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "c.sqlite", isolation_level=None)
    for statement in (*MIGRATIONS[0], "PRAGMA user_version = 1"):
        db.execute(statement)
    db.execute("INSERT INTO files VALUES ('/r', 'a.png', 1, 2, 3, 'sha', 8, 8, '')")
    db.execute("INSERT INTO pairs VALUES ('/r', 's', 'sha', 0, 'p', 'note', '{}')")
    db.execute("INSERT INTO attempts VALUES ('/r', 's', 'sha', '{}')")
    db.close()
    with Catalog(tmp_path / "c.sqlite") as catalog:
        assert catalog.known_files(Path("/r")) == {"a.png": ScannedFile("a.png", (1, 2, 3), "sha", 8, 8)}
        assert catalog.pair_settings(Path("/r")) == ("s",)


def test_two_processes_may_open_a_new_catalog_at_once(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from realign_edge.photos.database import connect; "
    script += "connect(Path(sys.argv[1])).close()"
    started = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "c.sqlite")]) for _ in range(4)]
    assert [p.wait(timeout=60) for p in started] == [0] * 4


def test_a_process_that_waited_does_not_migrate_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Catalog(tmp_path / "c.sqlite").db.close()
    before_the_wait = [0]
    true_version = migrations._version

    def version(db: sqlite3.Connection) -> int:
        return before_the_wait.pop() if before_the_wait else true_version(db)

    monkeypatch.setattr(migrations, "_version", version)
    Catalog(tmp_path / "c.sqlite").db.close()


def test_what_is_no_catalog_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"this is not a database, but it is long enough to be read as one" * 20)
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()
    foreign = sqlite3.connect(tmp_path / "foreign")
    foreign.execute("CREATE TABLE bookmarks (url TEXT)")
    foreign.close()
    (tmp_path / "folder").mkdir()
    words = {"text": "cannot be used", "newer": "newer version", "foreign": "another program", "folder": "cannot be"}
    for name, said in words.items():
        with pytest.raises(MissingError, match=said) as caught:
            Catalog(tmp_path / name)
        assert caught.value.hint
    assert schema(tmp_path / "foreign") == (0, ["bookmarks"])


def test_a_catalog_in_use_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_S", 0.0)
    path = tmp_path / "c.sqlite"
    with Catalog(path) as catalog:
        other = connect(path, wait_s=0.0)
        other.execute("BEGIN IMMEDIATE")
        catalog.db.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(RealignError, match="in use by another realign-edge"):
            catalog.remember_files(tmp_path, [])
        other.close()
        catalog.remember_files(tmp_path, [])


def test_damage_found_later_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Catalog(path) as catalog:
        files = [ScannedFile(f"{i:05d}.png", (1, 2, 3), "x" * 64) for i in range(2000)]
        catalog.remember_files(tmp_path, files)
    data = bytearray(path.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(MissingError, match="cannot be used"), Catalog(path) as catalog:
        catalog.known_files(tmp_path)


def test_a_full_disk_rolls_back_and_is_told(tmp_path: Path) -> None:
    with Catalog(tmp_path / "c.sqlite") as catalog:
        catalog.db.execute("PRAGMA max_page_count = 20")
        files = [ScannedFile(f"{i:05d}.png", (1, 2, 3), "x" * 64) for i in range(5000)]
        with pytest.raises(RealignError, match="cannot be written"):
            catalog.remember_files(tmp_path, files)
        assert catalog.known_files(tmp_path) == {}


def test_our_own_mistakes_are_not_dressed_up(tmp_path: Path) -> None:
    db = connect(tmp_path / "c.sqlite")
    with pytest.raises(sqlite3.IntegrityError), transaction(db, tmp_path):
        for _ in range(2):
            db.execute("INSERT INTO attempts VALUES ('r', 's', 'p', '{}')")
    assert db.execute("SELECT count(*) FROM attempts").fetchone() == (0,)
    migrate(db, "again")
    db.close()


def test_photos_come_back_as_they_were(tmp_path: Path) -> None:
    record = InspectionRecord(
        "傷", "gear", ("dent",), ("",), True, attributes={"finish": "matte"}, source="records.csv"
    )
    photos = (
        Photo("aa", tmp_path / "a.png", "a.png", 10, 20, "train", record),
        Photo("bb", tmp_path / "b/c.png", "b/c.png", 10, 20, "held_out", None),
    )
    with Catalog(tmp_path / "c.sqlite") as catalog:
        catalog.store_scan(tmp_path, [], photos)
        assert catalog.photos(tmp_path) == photos
        assert catalog.photo("bb") == photos[1]
        assert catalog.photo("cc") is None
        assert catalog.roots() == (tmp_path,)
        assert catalog.folder_state(tmp_path) is None


def test_pairs_and_attempts_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    with Catalog(tmp_path / "c.sqlite") as catalog:
        row = {"pair_id": "x", "kind": "note"}
        catalog.store_attempts(tmp_path, "s", [("a", {"tried": 1}, [row])])
        with pytest.raises(KeyError):
            catalog.store_attempts(tmp_path, "s", [("b", {}, [row]), ("c", {}, [{}])])
        assert catalog.attempted(tmp_path, "s") == {"a": {"tried": 1}}
        assert catalog.pairs(tmp_path, "s") == [row]
        catalog.store_attempts(tmp_path, "s", [("a", {}, [])])
        assert catalog.pairs(tmp_path, "s") == []


def test_the_settings_last_built_with_come_last(tmp_path: Path) -> None:
    row = {"pair_id": "x", "kind": "note"}
    with Catalog(tmp_path / "c.sqlite") as catalog:
        for settings in ("ff", "import", "00", "00"):
            catalog.store_attempts(tmp_path, settings, [("a", {}, [row])])
        catalog.store_attempts(tmp_path, "empty", [("a", {}, [])])
        assert catalog.pair_settings(tmp_path) == ("ff", "import", "00")
        catalog.store_attempts(tmp_path, "ff", [("b", {}, [row])])
        assert catalog.pair_settings(tmp_path) == ("import", "00", "ff")
