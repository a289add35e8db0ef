"""A backup that somebody else packed: it brings verdicts back, and nothing else comes with it."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from realign_edge.appliance.upkeep import restore as module
from realign_edge.appliance.upkeep.backup import MANIFEST, Backup, back_up, known_backups
from realign_edge.appliance.upkeep.restore import restore
from realign_edge.errors import MissingError, RealignError, UsageError
from realign_edge.files import sha256_file
from realign_edge.photos.catalog import Catalog
from realign_edge.results.model import Refused
from realign_edge.results.store import Results

NOW = 1_780_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    with Catalog(folder / "catalog.sqlite"):
        pass
    with Results.open(folder, station="S1") as results:
        results.append(Refused("bad.jpg", "the file ends early", "2026-04-01T08:00:04+00:00", "f" * 64))
    return folder


@pytest.fixture
def packed(home: Path, tmp_path: Path) -> Callable[..., Backup]:
    """packed("name", ...): a backup whose manifest names these files, too."""

    def make(*more: str) -> Backup:
        made = back_up(home, tmp_path / "stick", NOW)
        about = json.loads((made.folder / MANIFEST).read_text())
        for name in ("results.sqlite", "catalog.sqlite"):
            about["files"][name] = sha256_file(made.folder / name)
        for name in more:
            path = made.folder / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("evil")
            about["files"][name] = sha256_file(path)
        (made.folder / MANIFEST).write_text(json.dumps(about))
        return known_backups(tmp_path / "stick")[-1]

    return make


def snapshot(home: Path) -> set[str]:
    passing = ("lock", "watch", "-wal", "-shm")
    return {str(p) for p in home.rglob("*") if not any(part in p.name for part in passing)}


@pytest.mark.parametrize(
    "name", ["keys/signing.pem", "bundles/x/manifest.json", "../evil", "/tmp/evil-of-a-backup", "trusted_keys/a/b.pub",
             "trusted_keys/x", "runs/../../evil", "runs/r/run.json", "work.lock", "trusted_keys/\x1b.pub", "./keys/x"],
)  # fmt: skip
def test_a_file_that_no_backup_holds_is_not_put_anywhere(name: str, home: Path, packed: Callable[..., Backup]) -> None:
    before = snapshot(home)
    made = packed()
    evil = Backup(made.folder, made.made_at, {**made.files, name: "0" * 64}, made.rows)
    with pytest.raises(UsageError, match="names what no backup holds"):
        restore(home, evil, NOW)
    assert snapshot(home) == before


def test_a_folder_that_is_a_link_is_not_followed(home: Path, packed: Callable[..., Backup], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "0123.pub").write_text("key")
    made = packed()
    (made.folder / "trusted_keys").symlink_to(tmp_path / "elsewhere")
    evil = {**made.files, "trusted_keys/0123.pub": sha256_file(tmp_path / "elsewhere" / "0123.pub")}
    with pytest.raises(MissingError, match="not as it was backed up"):
        restore(home, Backup(made.folder, made.made_at, evil, made.rows), NOW)


@pytest.mark.parametrize("name", ["results.sqlite", "catalog.sqlite"])
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER later AFTER INSERT ON {} BEGIN SELECT 1; END",
        "CREATE VIEW later AS SELECT load_extension('x')",
        "CREATE VIRTUAL TABLE later USING fts5(x)",
    ],
    ids=["trigger", "view", "virtual"],
)
def test_a_database_with_a_program_of_its_own_is_refused(
    name: str, sql: str, home: Path, packed: Callable[..., Backup]
) -> None:
    made = packed()
    with closing(sqlite3.connect(made.folder / name)) as db:
        db.execute(sql.format("entries" if name.startswith("results") else "photos"))
        db.commit()
    files = {**made.files, name: sha256_file(made.folder / name)}
    with pytest.raises(RealignError, match="holds a program that is none of ours: later"):
        restore(home, Backup(made.folder, made.made_at, files, made.rows), NOW)


def test_results_whose_rows_could_be_changed_are_refused(home: Path, packed: Callable[..., Backup]) -> None:
    made = packed()
    with closing(sqlite3.connect(made.folder / "results.sqlite")) as db:
        db.execute("DROP TRIGGER entries_never_change")
        db.commit()
    files = {**made.files, "results.sqlite": sha256_file(made.folder / "results.sqlite")}
    with pytest.raises(RealignError, match="lacks what keeps its rows from being changed: entries_never_change"):
        restore(home, Backup(made.folder, made.made_at, files, made.rows), NOW)


def test_a_stick_that_changes_its_mind_is_noticed(
    home: Path, packed: Callable[..., Backup], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = packed("trusted_keys/0123.pub")
    real = module._check

    def check_then_swap(backup: Backup) -> None:
        real(backup)
        (made.folder / "trusted_keys" / "0123.pub").write_text("another key")

    monkeypatch.setattr(module, "_check", check_then_swap)
    with pytest.raises(MissingError, match="changed while it was put back"):
        restore(home, made, NOW)
    assert not (home / "trusted_keys" / "0123.pub").exists()


def test_a_good_one_comes_back(home: Path, packed: Callable[..., Backup]) -> None:
    made = packed("trusted_keys/0123.pub", "trusted_keys/4567.revoked")
    restore(home, made, NOW)
    assert (home / "trusted_keys" / "0123.pub").read_text() == "evil"
    with Results.read(home) as results:
        assert not results.verify()
