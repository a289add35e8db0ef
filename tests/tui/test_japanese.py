"""What goes wrong is told in Japanese in a Japanese window: no results, no catalog, no runs, a broken or busy file."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from textual.worker import WorkerCancelled, WorkerFailed

from realign_edge.evaluation.preference.answers import FILE as ANSWERS
from realign_edge.photos.catalog import Catalog
from realign_edge.results.store import FILE, Results
from realign_edge.runs.run import Run, create_run
from tui.app import RealignApp
from tui.context import Context, WindowOptions
from tui.rooms import ROOMS, RoomName


@pytest.fixture
def shown(tmp_path: Path) -> Callable[..., Any]:
    """await shown("review", prepare): the lines of a Japanese window on a home that `prepare` was given."""

    async def show(room: RoomName, prepare: Callable[[Path], None] = lambda _: None, **more: Any) -> str:
        prepare(tmp_path)
        options = WindowOptions("ja", image_mode="none", person="Mori")
        app = RealignApp(Context(tmp_path, options=options, **more), room)
        async with app.run_test(size=(120, 40)) as pilot:
            for _ in range(3):
                with suppress(WorkerCancelled, WorkerFailed):
                    await app.workers.wait_for_complete()
                await pilot.pause()
            return "\n".join(strip.text for strip in app.screen._compositor.render_strips(app.size))

    return show


def stands(words: str, said: str) -> bool:
    """Wherever lines are broken, which depends on how long a path is."""
    return "".join(words.split()) in "".join(said.split())


def run_in(home: Path, status: dict[str, Any]) -> Run:
    run = create_run(home / "runs", "abcd" * 4, {"photos": str(home / "photos")}, "", datetime(2026, 4, 1, 8))
    (run.folder / "status.json").write_text(json.dumps(status))
    return run


def failed_run(home: Path) -> None:
    hint = "free some space, then run the same command again"
    run_in(home, {"state": "failed", "error": "No space left on device: /data", "hint": hint})


def damaged_answers(home: Path) -> None:
    (run_in(home, {"state": "finished"}).folder / ANSWERS).write_text("{}")


def no_database(home: Path) -> None:
    (home / FILE).write_bytes(b"no database " * 400)


def foreign_database(home: Path) -> None:
    sqlite3.connect(home / FILE).execute("CREATE TABLE t (x)").connection.commit()


def catalog_without_pairs(home: Path) -> None:
    (home / "photos").mkdir()
    with Catalog(home / "catalog.sqlite"):
        pass


def failed_watcher(home: Path) -> None:
    with Results.open(home):
        pass
    (home / "watch").mkdir()
    said = {"state": "failed", "folder": "/in", "words": "no folder at /in", "at": "2026-04-01T08:00:00+00:00"}
    (home / "watch" / "status.json").write_text(json.dumps(said))


CASES: dict[str, tuple[RoomName, Callable[[Path], Any], str]] = {
    "no results": ("inspections", lambda _: None, "検査結果がありません"),
    "no database": ("inspections", no_database, "データベースではありません"),
    "another database": ("inspections", foreign_database, "ステーションの検査結果ではありません"),
    "failed watcher": ("inspections", failed_watcher, "フォルダーがありません：/in"),
    "no run to review": ("review", lambda _: None, "「latest」という実行はありません"),
    "no catalog": ("review", lambda home: run_in(home, {}), "のペアはまだありません"),
    "no run to choose from": ("blind", lambda _: None, "「latest」という実行はありません"),
    "no answers": ("blind", lambda home: run_in(home, {"state": "finished"}), "答えが保存されていません"),
    "damaged answers": ("blind", damaged_answers, "が壊れています"),
    "failed run in the list": ("runs", failed_run, "ディスクに空きがありません：/data。空きを作ってから"),
    "failed run": ("dashboard", failed_run, "失敗して停止しました：ディスクに空きがありません：/data"),
}


@pytest.mark.parametrize("name", CASES)
async def test_trouble_is_told_in_japanese(shown: Any, name: str) -> None:
    room, prepare, expected = CASES[name]
    said = await shown(room, prepare)
    assert stands(expected, said), said
    english_words = (" is ", " no ", " cannot ", "first:", "restore it", "known runs", "align the same", "free some")
    for english in english_words:
        assert english not in said, said


async def test_pairs_of_a_folder_that_has_none(shown: Any, tmp_path: Path) -> None:
    said = await shown("review", catalog_without_pairs, photos=tmp_path / "photos")
    assert stands("のペアはまだありません", said) and stands("作成：realign-edge pairs build", said)


@pytest.mark.parametrize("room", [room.name for room in ROOMS])
async def test_a_busy_database_is_told(shown: Any, room: RoomName, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a window reads a database; the others do not know of it."""

    def locked(*_: Any, **__: Any) -> Any:
        problem = sqlite3.OperationalError("database is locked")
        problem.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise problem

    def prepare(home: Path) -> None:
        (home / "photos").mkdir()
        run_in(home, {"state": "finished"})
        for name in ("catalog.sqlite", FILE):
            (home / name).write_bytes(b"")
        monkeypatch.setattr(sqlite3, "connect", locked)

    said = await shown(room, prepare)
    if room in ("inspections", "review"):
        assert stands("は別の realign-edge が使用中です", said) and stands("終わるのを待って", said), said
