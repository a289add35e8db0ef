"""The dashboard as it was looked at and found good: states, sizes, languages."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realign_edge.monitoring.model import RunView
from tui.app import RealignApp
from tui.context import Context, WindowOptions
from tui.words import LANGUAGES

SIZES = ((80, 24), (120, 40), (200, 50))
Shown = Callable[..., tuple[Any, Any]]
Views = dict[str, RunView]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", ["well", "attention", "done", "failed"])
async def test_state_looks_as_it_was_found_good(
    state: str, size: tuple[int, int], language: Any, views: Views, shown: Shown, check_screen: Any, settled: Any
) -> None:
    app, _ = shown(views[state], language)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        check_screen(app, f"dashboard-{state}-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_no_run_says_what_to_do(
    size: tuple[int, int], language: Any, tmp_path: Path, check_screen: Any, settled: Any
) -> None:
    app = RealignApp(Context(tmp_path, options=WindowOptions(language, image_mode="none", person="tester")))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        check_screen(app, f"dashboard-none-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "state", "keys"),
    [
        ("photo", "well", ["2"]),
        ("events", "failed", ["3"]),
        ("output", "failed", ["3", "l"]),
        ("warnings", "attention", ["w"]),
        ("stop", "well", ["s"]),
        ("help", "replay", ["question_mark"]),
        ("replay", "replay", []),
        ("beginning", "beginning", []),
    ],
)
async def test_small_terminal_shows_one_thing_at_a_time(
    name: str, state: str, keys: list[str], language: Any, views: Views, shown: Shown, check_screen: Any, settled: Any
) -> None:
    app, _ = shown(views[state], language)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)
        check_screen(app, f"dashboard-{name}-80-{language}")


@pytest.mark.parametrize("theme", ["light", "contrast"])
async def test_other_themes(theme: str, views: Views, shown: Shown, check_screen: Any, settled: Any) -> None:
    app, _ = shown(views["attention"])
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press(*["ctrl+t"] * (1 if theme == "light" else 2))
        await settled(pilot)
        check_screen(app, f"dashboard-{theme}-120-en")


async def test_picture_of_the_readme(views: Views, shown: Shown, check_picture: Any, settled: Any) -> None:
    photo = Path(__file__).with_name("recorded") / "L2614-004_2.jpg"
    view = views["well"]
    assert view.sample is not None
    app, _ = shown(replace(view, sample=replace(view.sample, photo=photo)), image_mode="half")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        check_picture(app, "dashboard")
