"""Real files of a run, looked at through the window while things go wrong with them: words, no tracebacks."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from realign_edge.monitoring.model import RunView
from realign_edge.runs.process import process_mark
from tui import rooms
from tui.app import RealignApp
from tui.context import Context, WindowOptions
from tui.dashboard.news import NewsLog
from tui.dashboard.stages import Stages
from tui.dashboard.status import ReplayLine, StatusLine
from tui.dashboard.warnings import Warnings
from tui.dashboard.window import DashboardWindow

RECORDED = Path(__file__).with_name("recorded")
RUN = "20261126-013247-0ebb"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that this process seems to work on, at its 30th step."""
    folder = tmp_path / "home" / "runs" / RUN
    folder.mkdir(parents=True)
    shutil.copy(RECORDED / "run.json", folder)
    lines = (RECORDED / "events.jsonl").read_text().splitlines(keepends=True)
    last = next(n for n, line in enumerate(lines) if '"step": 30,' in line and '"type": "step"' in line)
    (folder / "events.jsonl").write_text("".join(lines[: last + 1]))
    moment = json.loads(lines[last])["time"]
    me = {"pid": os.getpid(), "process": process_mark(os.getpid())}
    status = {"state": "running", "stage": "train", "done": 30, "total": 60, "time": moment, **me}
    (folder / "status.json").write_text(json.dumps(status))
    return folder


@pytest.fixture
def window(tmp_path: Path) -> Callable[..., Any]:
    """An application on that home; further arguments are the context's."""

    def make(**more: Any) -> Any:
        options = WindowOptions("en", image_mode="none", person="tester")
        return RealignApp(Context(tmp_path / "home", options=options, **more))

    return make


def said(app: Any, widget: Any) -> str:
    return str(app.screen.query_one(widget).render())


async def test_live_run_is_shown_and_ends_on_the_same_screen(run: Path, window: Any, settled: Any) -> None:
    app = window(now=lambda: 1795656850.0)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert said(app, StatusLine).startswith("✓ Running well: training")
        assert "30/60 steps" in said(app, Stages)
        shutil.copy(RECORDED / "events.jsonl", run)
        status = json.loads((run / "status.json").read_text())
        (run / "status.json").write_text(json.dumps({**status, "state": "finished", "stage": "export"}))
        app.screen.look_soon()
        await settled(pilot)
        assert said(app, StatusLine).startswith("✓ Finished")


async def test_torn_and_truncated_and_missing_files_are_told(run: Path, window: Any, settled: Any) -> None:
    events = run / "events.jsonl"
    app = window(now=lambda: 1795656850.0)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        with events.open("a") as file:
            file.write('{"time": 1795656850.0, "type": "st')
        app.screen.look_soon()
        await settled(pilot)
        assert said(app, StatusLine).startswith("✓ Running well")
        events.write_text("".join(events.read_text().splitlines(keepends=True)[:10]))
        app.screen.look_soon()
        await settled(pilot)
        assert "events.jsonl became shorter" in said(app, Warnings)
        events.unlink()
        app.screen.look_soon()
        await settled(pilot)
        assert "events.jsonl" in said(app, Warnings)


async def test_run_that_disappears_is_told_and_comes_back(run: Path, window: Any, settled: Any) -> None:
    app = window(now=lambda: 1795656850.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        away = run.with_name("away")
        run.rename(away)
        app.screen.look_soon()
        await settled(pilot)
        assert said(app, StatusLine).startswith("■ Stopped because the folder of this run is no longer there")
        await pilot.press("p", "s")
        assert len(app.screen_stack) == 2
        away.rename(run)
        app.screen.look_soon()
        await settled(pilot)
        assert said(app, StatusLine).startswith("✓ Running well")


async def test_first_run_appears_by_itself(run: Path, window: Any, settled: Any) -> None:
    hidden = run.parents[2] / "hidden"
    run.rename(hidden)
    app = window(now=lambda: 1795656850.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "realign-edge align ./photos" in said(app, "#empty")
        await pilot.press("p", "s", "n", "w", "l", "1", "2", "3", "plus", "end")
        hidden.rename(run)
        app.screen.look_soon()
        await settled(pilot)
        assert said(app, StatusLine).startswith("✓ Running well")


async def test_run_that_does_not_exist_is_named(run: Path, window: Any, settled: Any) -> None:
    app = window(run="1999")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "There is no run 1999." in said(app, "#empty")


async def test_replay_ends_and_begins_anew(run: Path, window: Any, settled: Any) -> None:
    shutil.copy(RECORDED / "events.jsonl", run)
    app = window(speed=10.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert said(app, ReplayLine).startswith("▶▶ Replay at 10x")
        await pilot.press("plus")
        await settled(pilot)
        assert said(app, ReplayLine).startswith("▶▶ Replay at 20x")
        await pilot.press("minus", "space")
        await settled(pilot)
        assert said(app, ReplayLine).startswith("‖ Replay held")
        await pilot.press("3", "end")
        for _ in range(5):
            app.screen.look_soon()
            await settled(pilot)
        assert said(app, ReplayLine).startswith("■ Replay at its end")
        assert "Finished." in str(app.screen.query_one(NewsLog).query_one(Static).render())
        await pilot.press("home")
        await settled(pilot)
        assert not said(app, ReplayLine).startswith("■")


async def test_look_that_breaks_is_told_and_tried_again(
    views: dict[str, RunView], tmp_path: Path, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks:
        broken = True

        def look(self, now: float) -> RunView:  # noqa: ARG002
            if self.broken:
                raise ZeroDivisionError("nobody thought of this")
            return views["well"]

        def step_sample(self, by: int = 1) -> None: ...

    source = Breaks()
    monkeypatch.setattr(rooms.Room, "open", lambda room, context: DashboardWindow(context, lambda _: source))
    app: Any = RealignApp(Context(tmp_path, options=WindowOptions("en", image_mode="none", person="tester")))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "nobody thought of this" in said(app, "#empty")
        source.broken = False
        app.screen.look_soon()
        await settled(pilot)
        assert said(app, StatusLine).startswith("✓ Running well")


async def test_every_size_can_be_drawn(run: Path, window: Any, settled: Any) -> None:
    app = window(now=lambda: 1795656850.0)
    async with app.run_test(size=(200, 50)) as pilot:
        for size in ((80, 24), (40, 10), (110, 33), (80, 60), (300, 90), (109, 34), (1, 1), (170, 24), (120, 40)):
            await pilot.resize_terminal(*size)
            app.screen_stack[1].look_soon()
            await settled(pilot)
        assert said(app, StatusLine).startswith("✓ Running well")
