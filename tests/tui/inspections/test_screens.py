"""How the window of inspections looks."""

from pathlib import Path
from typing import Any

import pytest

from realign_edge.results.store import Results
from tui.app import RealignApp
from tui.context import Context, WindowOptions
from tui.inspections.window import InspectionsWindow
from tui.words import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_a_review_looks_as_it_was_found_good(
    make: Any, size: Any, language: Any, check_screen: Any, settled: Any
) -> None:
    app = RealignApp(make(language, "half" if size[0] == 120 else "none"), "inspections")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        check_screen(app, f"inspections-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_a_fail_looks_as_it_was_found_good(
    make: Any, size: Any, language: Any, check_screen: Any, settled: Any
) -> None:
    app = RealignApp(make(language), "inspections")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        await pilot.press("3")
        await settled(app, pilot)
        check_screen(app, f"inspections-fail-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_a_decided_one_looks_as_it_was_found_good(
    make: Any, size: Any, language: Any, check_screen: Any, settled: Any, seen: Any, current: Any
) -> None:
    app = RealignApp(make(language), "inspections")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        await pilot.press("d", "4", "down")
        await seen(app, pilot)
        while current(app) != 4:
            await pilot.press("down")
        await settled(app, pilot)
        check_screen(app, f"inspections-decided-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_verdicts_it_says_how_to_begin(
    tmp_path: Path, language: Any, check_screen: Any, settled: Any, now: Any
) -> None:
    options = WindowOptions(language, image_mode="none", person="Mori")
    app = RealignApp(Context(tmp_path, options=options, now=lambda: now), "inspections")
    with Results.open(tmp_path):
        pass
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        check_screen(app, f"inspections-empty-80-{language}")
        await pilot.press("a", "o", "t", "r", "v", "enter", "u", "1", "2", "left", "right")
        assert isinstance(app.screen, InspectionsWindow)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_dialog_of_an_overrule(make: Any, language: Any, check_screen: Any, settled: Any) -> None:
    app = RealignApp(make(language), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("o")
        await pilot.pause()
        check_screen(app, f"inspections-which-80-{language}")
        await pilot.press("f")
        await pilot.pause()
        check_screen(app, f"inspections-why-80-{language}")


async def test_the_picture_of_the_readme(make: Any, check_picture: Any, settled: Any) -> None:
    app = RealignApp(make("en", "half"), "inspections")
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(app, pilot)
        check_picture(app, "inspections")
