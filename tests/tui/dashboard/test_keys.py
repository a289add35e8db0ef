"""Every key of the dashboard, and what a person is told where a key can do nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from realign_edge.monitoring.model import Condition, RunView, Told
from realign_edge.runs.run import Run
from tui.dashboard.news import NewsLog
from tui.dashboard.sample import Sample
from tui.dashboard.warnings import WarningsScreen
from tui.frame.ask import Confirm

Shown = Callable[..., tuple[Any, Any]]
Views = dict[str, RunView]


@pytest.fixture
def run(tmp_path: Path, views: Views) -> Run:
    """The folder of the run that is shown."""
    folder = tmp_path / "runs" / views["well"].run_id
    folder.mkdir(parents=True)
    return Run(folder)


def panes(app: Any) -> list[str]:
    """Names of those that are seen."""
    return [pane.id for pane in app.screen.query("#panes > *") if pane.display]


async def test_d_and_q_leave_and_the_run_is_not_asked_for_anything(
    views: Views, shown: Shown, run: Run, settled: Any
) -> None:
    for key in ("d", "q"):
        app, _ = shown(views["well"])
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            await pilot.press(key)
            await pilot.pause()
            assert app._exit
    assert not (run.folder / "control").exists()


async def test_p_pauses_and_lets_go_on(views: Views, shown: Shown, run: Run, settled: Any) -> None:
    app, source = shown(views["well"])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("p")
        await settled(pilot)
        assert run.requested("pause")
        assert app.screen.active_bindings["p"].binding.description == "pause"
        source.view = replace(views["well"], state="paused")
        app.screen.look_soon()
        await settled(pilot)
        assert app.screen.active_bindings["p"].binding.description == "go on"
        await pilot.press("p")
        await settled(pilot)
        assert not run.requested("pause")


async def test_a_pause_that_was_asked_for_can_be_taken_back(views: Views, shown: Shown, run: Run, settled: Any) -> None:
    run.request("pause")
    asked = Condition("ok", "pausing", Told("Pausing.", "一時停止します。"), asked="pause")
    app, _ = shown(replace(views["well"], condition=asked))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("p")
        await settled(pilot)
    assert not run.requested("pause")


async def test_s_asks_once_and_stops(views: Views, shown: Shown, run: Run, settled: Any) -> None:
    app, _ = shown(views["well"])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for answer, expected in (("n", False), ("escape", False), ("enter", False), ("y", True)):
            await pilot.press("s")
            await pilot.pause()
            assert isinstance(app.screen, Confirm)
            await pilot.press(answer)
            await settled(pilot)
            assert run.requested("stop") is expected, answer


@pytest.mark.parametrize("state", ["done", "failed", "replay"])
async def test_what_does_not_run_cannot_be_asked(
    state: str, views: Views, shown: Shown, run: Run, settled: Any
) -> None:
    app, _ = shown(views[state])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("p", "s")
        await settled(pilot)
        assert len(app.screen_stack) == 2
        assert app.screen.check_action("pause", ()) is None
    assert not (run.folder / "control").exists()


async def test_a_wish_that_cannot_be_written_is_told(
    views: Views, shown: Shown, run: Run, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(run: Run, what: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "request", full)
    app, _ = shown(views["well"])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("p")
        await settled(pilot)
        told = [(note.title, note.message) for note in app._notifications]
    assert told[0][0] == "The pause could not be asked for: No space left on device"
    assert "Make room" in told[0][1]


async def test_n_shows_the_next_photo_and_shift_n_the_one_before(views: Views, shown: Shown, settled: Any) -> None:
    app, source = shown(views["well"])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("2", "n")
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert source.stepped == 2
        assert app.screen.query_one(Sample).border_title == "2 Photo 3/4: L2614-004_2.jpg"
        await pilot.press("N")
        await settled(pilot)
        assert source.stepped == 1


async def test_numbers_show_one_pane_and_all_again(views: Views, shown: Shown, settled: Any) -> None:
    app, _ = shown(views["well"])
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert panes(app) == ["curves", "sample", "news"]
        for key, name in (("1", "curves"), ("2", "sample"), ("3", "news")):
            await pilot.press(key)
            assert panes(app) == [name]
        await pilot.press("3")
        assert panes(app) == ["curves", "sample", "news"]
        await pilot.press("2")
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert panes(app) == ["sample"]
        await pilot.press("2")
        assert panes(app) == ["curves"]
        await pilot.resize_terminal(200, 50)
        await settled(pilot)
        assert panes(app) == ["curves", "sample", "news"]


async def test_edges_of_panes_are_clicked(views: Views, shown: Shown, settled: Any) -> None:
    app, _ = shown(views["well"])
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.click("#news", offset=(5, 0))
        assert panes(app) == ["news"]
        await pilot.click("#news", offset=(100, app.screen.query_one("#news").size.height + 1))
        assert panes(app) == ["curves"]
        await pilot.click("#curves", offset=(5, 0))
        assert panes(app) == ["curves", "sample", "news"]
        await pilot.click("#curves", offset=(5, 3))
        assert panes(app) == ["curves", "sample", "news"]


async def test_l_shows_what_the_process_printed(views: Views, shown: Shown, settled: Any) -> None:
    app, _ = shown(views["failed"])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("3", "l")
        await settled(pilot)
        said = app.screen.query_one(NewsLog).query_one(Static)
        assert "hint: make room" in str(said.render())
        await pilot.press("l")
        await settled(pilot)
        assert "Started with 240 photos" in str(said.render())


async def test_w_shows_all_warnings_whole_and_is_dim_without_any(views: Views, shown: Shown, settled: Any) -> None:
    app, source = shown(views["attention"])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(app.screen, WarningsScreen)
        texts = [str(said.render()) for said in app.screen.query(Static)]
        assert [text[0] for text in texts] == ["▲", "▲", "△"]
        await pilot.press("escape")
        source.view = views["well"]
        app.screen_stack[1].look_soon()
        await settled(pilot)
        await pilot.press("w")
        assert len(app.screen_stack) == 2


async def test_palette_has_the_keys_that_can_do_something(views: Views, shown: Shown, settled: Any) -> None:
    app, _ = shown(views["well"])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert {"pause", "stop", "next photo"} <= set(titles)
        assert "replay faster" not in titles
