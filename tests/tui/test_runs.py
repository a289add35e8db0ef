"""The window of runs: how it looks, and what each key does."""

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Static

from realign_edge.evaluation.preference.choices import Choice, keep_choice
from realign_edge.runs.compare import Estimate
from realign_edge.runs.process import process_mark
from realign_edge.runs.run import Run, create_run, list_runs
from tui.app import RealignApp
from tui.context import Context, WindowOptions
from tui.frame.ask import AskText, Confirm
from tui.frame.listing import Listing
from tui.frame.tell import Tell
from tui.runs.compared import ComparedRuns
from tui.runs.rows import RunsOnDisk
from tui.runs.whiskers import whisker
from tui.runs.window import RunsWindow
from tui.words import LANGUAGES

SIZES = ((80, 24), (120, 40), (200, 50))
FIGURES = {
    "chair_i": ((0.12, 0.08, 0.16), (0.06, 0.03, 0.09), (-0.06, -0.10, -0.03)),
    "recall": ((0.846, 0.77, 0.91), (0.89, 0.82, 0.95), (0.04, -0.01, 0.08)),
    "location": ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)),
    "pope_adversarial": ((0.795, 0.74, 0.85), (0.955, 0.92, 0.98), (0.16, 0.11, 0.21)),
}
CONFIG = 'model = "nano"\nlanguage = "en"\n\n[alignment]\nobjective = "{0}"\nbeta = {1}\nsteps = {2}\nseed = 0\n'


Triple = tuple[float, float, float]


def evaluation(other: dict[str, tuple[Triple, Triple]], adopt: bool) -> dict[str, Any]:
    """other: figures after alignment, with their differences, in the place of the usual ones."""
    parts = ("before", "after", "difference")
    figures = {}
    for metric, (before, *usual) in FIGURES.items():
        shown = zip(parts, (before, *other.get(metric, usual)), strict=True)
        figures[metric] = {
            p: {"value": v, "low": low, "high": high, "n": 77, "confidence": 0.95} for p, (v, low, high) in shown
        }
    reasons = [] if adopt else ["hallucination did not fall beyond chance"]
    return {"photos": 77, "figures": figures, "decision": {"adopt": adopt, "reasons": reasons, "sentence": "..."}}


def make(home: Path, day: int, status: dict[str, Any], said: dict[str, Any] | None, config: str) -> Run:
    inputs = {"photos or records": "p", "glossary": "g", "setting photos.held_out_share": "0.3",
              "setting photos.seed": "0", "setting evaluation.max_photos": "400", "setting language": "en",
              "photo folder": "/plant/line1"}  # fmt: skip
    about = {"model": "nano", "photos": "/plant/line1", "inputs": inputs, "version": "0.1.0",
             "libraries": {"torch": "2.13.0"}, "language": "English (none of 240 notes are in Japanese)"}  # fmt: skip
    run = create_run(home / "runs", f"{day:04d}", about, config, datetime(2026, 4, day, 9, 30))
    (run.folder / "status.json").write_text(json.dumps(status))
    if said is not None:
        (run.folder / "evaluation.json").write_text(json.dumps(said))
    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four runs: one live, one failed, two finished and evaluated. Its path is the same in every test."""
    monkeypatch.chdir(tmp_path)
    home = Path("station")
    live = {"state": "running", "stage": "train", "pid": os.getpid(), "process": process_mark(os.getpid())}
    make(home, 1, live, None, CONFIG.format("rdpo", 0.3, 60))
    make(home, 2, {"state": "failed", "error": "No space left on device: /data", "hint": "free some space"}, None, "")
    make(home, 3, {"state": "finished"}, evaluation({}, True), CONFIG.format("rdpo-anchored", 0.3, 60))
    worse = {
        "chair_i": ((0.13, 0.10, 0.17), (0.01, -0.02, 0.04)),
        "pope_adversarial": ((0.99, 0.985, 1.0), (0.195, 0.14, 0.25)),
    }
    make(home, 4, {"state": "finished"}, evaluation(worse, False), CONFIG.format("dpo", 0.1, 240))
    return home


def opened(home: Path, language: Any = "en", **more: Any) -> RealignApp:
    options = WindowOptions(language, image_mode="none", person="Mori")
    return RealignApp(Context(home, options=options, **more), "runs")


async def settled(app: Any, pilot: Any) -> None:
    for _ in range(3):
        await app.workers.wait_for_complete()
        await pilot.pause()


def window(app: Any) -> RunsWindow:
    found = app.screen_stack[1]
    assert isinstance(found, RunsWindow)
    return found


def text(widget: Any) -> str:
    return str(widget.render())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_list_looks_as_it_was_found_good(home: Path, size: Any, language: Any, check_screen: Any) -> None:
    app = opened(home, language)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        check_screen(app, f"runs-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_comparison_looks_as_it_was_found_good(home: Path, size: Any, language: Any, check_screen: Any) -> None:
    app = opened(home, language)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        await pilot.press("space", "space", "c")
        await settled(app, pilot)
        check_screen(app, f"runs-compared-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_runs_it_says_how_to_begin(tmp_path: Path, language: Any, check_screen: Any) -> None:
    app = opened(tmp_path / "new", language)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        check_screen(app, f"runs-empty-80-{language}")
        await pilot.press("enter", "space", "c", "f", "d", "p", "escape")
        assert isinstance(app.screen, RunsWindow)


async def test_enter_opens_its_dashboard(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, asked = opened(home), list[str]()
    monkeypatch.setattr(RealignApp, "open_run", lambda _app, run: asked.append(run))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("down", "enter")
        assert asked == ["20260403-093000-0003"]
        # A click goes there, a second one opens.
        await pilot.click(Listing, offset=(10, 3))
        await pilot.click(Listing, offset=(10, 3))
        assert asked[1:] == ["20260401-093000-0001"]


async def test_two_are_compared_the_older_one_first(home: Path) -> None:
    app = opened(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("c")
        assert isinstance(app.screen, RunsWindow)
        # One marked, the other under the cursor.
        await pilot.press("space", "c")
        await settled(app, pilot)
        assert isinstance(app.screen, ComparedRuns)
        shown = text(app.screen.query_one("#text", Static))
        assert shown.index("20260403") < shown.index("20260404")
        assert "B is worse than A beyond chance in: invented mentions." in shown
        assert "alignment.beta" in shown
        await pilot.press("x")
        await settled(app, pilot)
        shown = text(app.screen.query_one("#text", Static))
        assert shown.index("20260404") < shown.index("20260403")
        assert "B is better than A beyond chance in: invented mentions." in shown
        await pilot.press("escape")
        assert isinstance(app.screen, RunsWindow)


async def test_what_cannot_be_compared_is_said(home: Path) -> None:
    app = opened(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("end", "space", "up", "space", "c")
        await settled(app, pilot)
        assert "Neither run has been evaluated yet." in text(app.screen.query_one("#text", Static))


async def test_delete_asks_once_and_spares_what_goes_on(home: Path) -> None:
    app = opened(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("d")
        await settled(app, pilot)
        assert isinstance(app.screen, Confirm)
        assert "20260404-093000-0004" in text(app.screen.query_one(".about", Static))
        await pilot.press("n")
        assert len(list_runs(home / "runs")) == 4
        # Of a live and a finished one that are marked, one goes.
        await pilot.press("space", "end", "space", "d")
        await settled(app, pilot)
        assert "1 that are going on stay" in text(app.screen.query_one(".about", Static))
        await pilot.press("y")
        await settled(app, pilot)
        await settled(app, pilot)
        names = [run.run_id for run in list_runs(home / "runs")]
        assert [name[:8] for name in names] == ["20260401", "20260402", "20260403"]
        assert window(app).query_one(Listing).keys == tuple(reversed(names))
        await pilot.press("end", "d")
        await settled(app, pilot)
        assert isinstance(app.screen, RunsWindow), "a live run alone is not asked about"


async def test_choices_that_go_with_a_run_are_told(home: Path) -> None:
    keep_choice(list_runs(home / "runs")[-1].folder, Choice("Ito", "a", "key", "after", "left"), 0)
    app = opened(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("d")
        await settled(app, pilot)
        assert "Blind tests: 1 choices of people go" in text(app.screen.query_one(".about", Static))


async def test_prune_keeps_the_newest(home: Path) -> None:
    app = opened(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("p")
        assert isinstance(app.screen, AskText) and app.screen.query_one(Input).value == "5"
        await pilot.press("enter")
        await settled(app, pilot)
        assert isinstance(app.screen, RunsWindow), "no run is older than the five newest"
        await pilot.press("p", "backspace", *"some", "enter")
        assert isinstance(app.screen, RunsWindow)
        await pilot.press("p", "backspace", "1", "enter")
        await settled(app, pilot)
        assert isinstance(app.screen, Confirm)
        await pilot.press("y")
        await settled(app, pilot)
        assert [run.run_id[:8] for run in list_runs(home / "runs")] == ["20260401", "20260404"]


async def test_folder_is_shown_and_copied(home: Path) -> None:
    app = opened(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("f")
        assert isinstance(app.screen, Tell)
        await pilot.press("c")
        assert app.clipboard == "station/runs/20260404-093000-0004"
        await pilot.press("enter")
        assert isinstance(app.screen, RunsWindow)


async def test_new_runs_appear_and_lost_ones_go(home: Path) -> None:
    app = opened(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("down")
        make(home, 9, {"state": "stopped"}, None, "")
        window(app).look()
        await settled(app, pilot)
        listing = window(app).query_one(Listing)
        assert len(listing.keys) == 5 and listing.current == "20260403-093000-0003"
        for run in list_runs(home / "runs"):
            (run.folder / "run.json").unlink()
        window(app).look()
        await settled(app, pilot)
        assert window(app).query_one("#none").display


async def test_a_resize_keeps_the_place(home: Path) -> None:
    app = opened(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("end")
        for size in ((200, 50), (90, 26), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert window(app).query_one(Listing).current == "20260401-093000-0001"


def test_only_what_changed_is_read_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.runs import rows

    disk, read = RunsOnDisk(home / "runs"), list[str]()
    real: Callable[[Run], Any] = rows.read_row

    def counted(run: Run) -> Any:
        read.append(run.run_id[:8])
        return real(run)

    monkeypatch.setattr(rows, "read_row", counted)
    assert [row.state for row in disk.look()] == ["finished", "finished", "failed", "running"]
    assert read == ["20260404", "20260403", "20260402", "20260401"]
    read.clear()
    list(disk.look())
    # Whether a live run is still alive no file tells.
    assert read == ["20260401"]
    (home / "runs" / "20260403-093000-0003" / "evaluation.json").unlink()
    read.clear()
    assert [row.decision is None for row in disk.look()] == [False, True, True, True]
    assert read == ["20260403", "20260401"]


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.5, 0.25, 0.75, "··├─●─┤··"),
        (0.0, 0.0, 0.0, "●········"),
        (1.0, 0.9, 1.0, "·······├●"),
        (0.5, float("nan"), float("nan"), "····●····"),
        (float("nan"), float("nan"), float("nan"), "         "),
    ],
)
def test_whiskers(value: float, low: float, high: float, expected: str) -> None:
    assert "".join(whisker(Estimate(value, low, high, 9), 9)) == expected


async def test_its_figures_are_seen_also_where_the_window_is_opened_later(home: Path) -> None:
    app = RealignApp(Context(home, options=WindowOptions(image_mode="none", person="Mori")), "inspections")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(app, pilot)
        await pilot.press("f5")
        await settled(app, pilot)
        await settled(app, pilot)
        lines = [strip.text for strip in app.screen._compositor.render_strips(app.size)]
        assert any("invented mentions" in line and "12.0 (8–16)" in line for line in lines)
