"""How pair review looks."""

from typing import Any

import pytest

from tui.app import RealignApp
from tui.words import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_review_looks_as_it_was_found_good(
    made: Any, size: Any, language: Any, check_screen: Any, settled: Any
) -> None:
    app = RealignApp(made(language), "review")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        check_screen(app, f"review-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_editing_looks_as_it_was_found_good(made: Any, language: Any, check_screen: Any, settled: Any) -> None:
    app = RealignApp(made(language), "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("e")
        await pilot.pause()
        check_screen(app, f"review-edit-{language}")


async def test_the_readme_shows_the_window_of_now(made: Any, check_picture: Any, settled: Any) -> None:
    app = RealignApp(made(), "review")
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(app, pilot)
        check_picture(app, "review")


async def test_a_photo_that_was_replaced_is_told(made: Any, settled: Any, draw_gear: Any) -> None:
    context = made()
    assert context.photos is not None
    draw_gear(context.photos / "L26-001.png", 3)
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        own, other = app.screen.query_one("#own"), app.screen.query_one("#retrieved")
        assert "not the photo" in (own.border_subtitle or "") and not other.border_subtitle
        await pilot.press("n")
        await settled(app, pilot)
        assert not own.border_subtitle
