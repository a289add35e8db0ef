"""Every key of pair review."""

from typing import Any

from textual.widgets import Static, TextArea

from realign_edge.preferences.review.ruling import read_rulings
from realign_edge.preferences.review.session import ReviewSession
from realign_edge.preferences.review.stock import open_stock
from tui.app import RealignApp
from tui.review.edit import EditPair


async def test_each_key_is_stored_at_once(made: Any, settled: Any, held: Any, text_of: Any) -> None:
    context = made()
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        for n, (key, verdict) in enumerate((("a", "accept"), ("f", "also_fits"), ("d", "discard")), 1):
            await pilot.press(key)
            await settled(app, pilot)
            assert held(context)[-1] == verdict and len(held(context)) == n
        await pilot.press("s")
        await settled(app, pilot)
        assert held(context)[-1] == "swap"
        assert "Every pair is decided." in text_of(app, ".empty")
        await pilot.press("u")
        await settled(app, pilot)
        assert len(held(context)) == 3 and not app.screen.query(".empty")
        assert "taken back" in text_of(app, "#reasons")


async def test_what_cannot_be_is_said_and_the_pair_stays(made: Any, settled: Any, held: Any, text_of: Any) -> None:
    context = made()
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("u")
        await settled(app, pilot)
        assert "not decided anything" in text_of(app, "#said")
        for _ in range(3):
            await pilot.press("a")
            await settled(app, pilot)
        await pilot.press("f")
        await settled(app, pilot)
        assert "no wrong photo" in text_of(app, "#said") and held(context) == ["accept"] * 3
        await pilot.press("a")
        await settled(app, pilot)
        assert len(held(context)) == 4


async def test_skip_stores_nothing_and_shows_it_again(made: Any, settled: Any, held: Any, text_of: Any) -> None:
    context = made()
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        first = app.screen.query_one("#own").border_title
        await pilot.press("n")
        await settled(app, pilot)
        assert held(context) == [] and app.screen.query_one("#own").border_title != first
        for key in ("a", "a", "a"):
            await pilot.press(key)
            await settled(app, pilot)
        assert app.screen.query_one("#own").border_title == first and "skipped" in text_of(app, "#reasons")


async def test_texts_are_edited_in_a_dialog(made: Any, settled: Any, held: Any, text_of: Any, notes: Any) -> None:
    context = made()
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("e")
        await pilot.press("escape")
        await settled(app, pilot)
        assert held(context) == []
        await pilot.press("e")
        assert isinstance(app.screen, EditPair)
        app.screen.query_one("#edit-chosen", TextArea).text = "Brass gear.\nDent below."
        await pilot.press("ctrl+s")
        await settled(app, pilot)
        (ruling,) = read_rulings(context.home / "catalog.sqlite").values()
        assert (ruling.held, ruling.chosen) == ("edit", "Brass gear. Dent below.")
        assert ruling.rejected == notes["en"][2]
        await pilot.press("e")
        await pilot.pause()
        await pilot.click("#take")
        await settled(app, pilot)
        assert "Nothing was changed" in text_of(app, "#said") and len(held(context)) == 1


async def test_keys_are_on_the_screen_and_can_be_clicked(made: Any, settled: Any, held: Any) -> None:
    context = made()
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.click("FooterKey")
        await settled(app, pilot)
        assert held(context) == ["accept"]
        right = [key.region.right for key in app.screen.query("FooterKey")]
        assert len(right) == 9 and max(right) <= 80


async def test_long_texts_scroll(made: Any, settled: Any) -> None:
    context = made()
    sato = ReviewSession(open_stock(context.home / "catalog.sqlite", context.photos), "Sato")
    item = sato.current()
    assert item is not None
    sato.leave()
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        texts = app.screen.query_one("#texts")
        app.screen.query_one("#chosen", Static).update("word " * 400)
        await pilot.pause()
        await pilot.press("down", "down", "j")
        assert texts.scroll_offset.y == 3
        await pilot.press("up", "k")
        assert texts.scroll_offset.y == 1
