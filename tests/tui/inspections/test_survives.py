"""What the window of inspections survives: other people, full disks, files that are gone, locked or none."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from realign_edge.results.store import FILE, Results
from tui.app import RealignApp
from tui.context import Context
from tui.frame.ask import Confirm


async def test_two_people_lose_nothing(make: Any, settled: Any, window: Any, said: Any, decided: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        window(app)._looking = True  # this window has not yet seen what the other one does
        with Results.open(context.home) as results:
            results.append(decided(2, 2, verdict="PASS"))
        await pilot.press("a", "f")
        await settled(app, pilot)
        assert isinstance(app.screen, Confirm) and len(said(context, 2)) == 1
        await pilot.press("y")
        await settled(app, pilot)
        assert [(d.operator, d.verdict) for d in said(context, 2)] == [("Sato", "PASS"), ("Mori", "FAIL")]
        with Results.read(context.home) as results:
            assert results.verify() == []


async def test_what_cannot_be_written_is_said(
    make: Any, monkeypatch: pytest.MonkeyPatch, settled: Any, seen: Any, said: Any
) -> None:
    context = make()
    app = RealignApp(context, "inspections")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        with monkeypatch.context() as patched:
            patched.setattr("tui.inspections.decisions.write_decision", full)
            await pilot.press("a", "p")
            await settled(app, pilot)
        assert any("No space left" in note.message for note in app._notifications)
        await pilot.press("a", "p")
        await seen(app, pilot)
    assert len(said(context, 2)) == 1


async def test_a_copy_is_only_looked_at(make: Any, settled: Any, keys: Any, said: Any) -> None:
    context = make()
    with Results.read(context.home) as results:
        results.backup(Path("copy.sqlite"))
    copy = Context(context.home, results=Path("copy.sqlite"), options=context.options, now=context.now)
    app = RealignApp(copy, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        assert keys(app) == (2, 5, 6, 8, 4, 3, 7)
        await pilot.press("a", "p")
        await settled(app, pilot)
        assert any("is a copy" in note.message for note in app._notifications)
    assert not said(context, 2)


@pytest.mark.parametrize("kind", ["missing", "text", "foreign"])
async def test_no_results_file_is_told_and_waited_for(
    make: Any,
    tmp_path: Path,
    kind: str,
    settled: Any,
    seen: Any,
    keys: Any,
    text: Any,
    inspection: Any,
    texts: Any,
    now: Any,
) -> None:
    home = tmp_path / "other"
    home.mkdir()
    if kind == "text":
        (home / FILE).write_text("no database " * 400)
    if kind == "foreign":
        sqlite3.connect(home / FILE).execute("CREATE TABLE t (x)").connection.commit()
    app = RealignApp(Context(home, now=lambda: now, options=make().options), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        shown = text(app, "#none")
        assert {"missing": "no results at", "text": "is not a database", "foreign": "does not hold"}[kind] in shown
        (home / FILE).unlink(missing_ok=True)
        with Results.open(home) as results:
            results.append(inspection(3, "REVIEW", texts["en"]))
        await seen(app, pilot)
        assert keys(app) == (1,)


async def test_a_file_that_goes_away_leaves_what_is_known(
    make: Any, settled: Any, seen: Any, keys: Any, text: Any
) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        aside = context.home / "aside.sqlite"
        (context.home / FILE).rename(aside)
        await seen(app, pilot)
        assert text(app, "#watcher").startswith("! no results at") and keys(app)
        aside.rename(context.home / FILE)
        await seen(app, pilot)
        assert "Watching" in text(app, "#watcher")


async def test_a_locked_file_is_waited_for(
    make: Any, monkeypatch: pytest.MonkeyPatch, settled: Any, seen: Any, text: Any
) -> None:
    from realign_edge.errors import RealignError

    app = RealignApp(make(), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)

        def held(_: Any) -> bool:
            raise RealignError("another process has been writing for 30 s")

        with monkeypatch.context() as patched:
            patched.setattr("realign_edge.results.follow.Follower.look", held)
            await seen(app, pilot)
            assert "another process" in text(app, "#watcher")
        await seen(app, pilot)
        assert "Watching" in text(app, "#watcher")
