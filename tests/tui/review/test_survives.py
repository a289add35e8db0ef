"""What pair review survives: quick fingers, other people, no pairs, a full disk."""

import time
from typing import Any

import pytest

from realign_edge.preferences.review.session import ReviewSession
from realign_edge.preferences.review.stock import open_stock
from realign_edge.preferences.review.store import ReviewStore
from tui.app import RealignApp
from tui.context import Context
from tui.review.window import ReviewWindow


async def test_a_key_between_two_pairs_decides_nothing(
    made: Any, monkeypatch: pytest.MonkeyPatch, settled: Any, held: Any
) -> None:
    context = made()
    stored = ReviewStore.append

    def slow(self: ReviewStore, decision: Any) -> Any:
        time.sleep(0.3)
        return stored(self, decision)

    monkeypatch.setattr(ReviewStore, "append", slow)
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("a", "d", "d")
        await settled(app, pilot)
        assert held(context) == ["accept"]


async def test_another_person_is_seen_and_not_overwritten(made: Any, settled: Any, held: Any, text_of: Any) -> None:
    context = made()
    app = RealignApp(context, "review")
    sato = ReviewSession(open_stock(context.home / "catalog.sqlite", context.photos), "Sato")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        mine = app.screen.query_one("#own").border_title or ""
        item = sato.current()
        assert item is not None and item.photo.path.name not in mine
        first = next(p for p in sato.stock.pairs.values() if sato.stock.photos[p.photo].path.name in mine)
        sato.decide(first.pair_id, "discard")
        await pilot.press("a")
        await settled(app, pilot)
        assert held(context) == ["contested"] and "1 disputed" in text_of(app, "#progress-words")
        sato.decide(first.pair_id, "swap")
        await pilot.press("n")
        await settled(app, pilot)
        assert "People differ: Mori accepts, Sato swaps." in text_of(app, "#reasons")


async def test_a_seat_is_given_back_and_no_pairs_are_told(made: Any, settled: Any, text_of: Any) -> None:
    context = made()
    app = RealignApp(context, "review")
    store = ReviewStore(context.home / "catalog.sqlite")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        assert list(store.seated("", time.time()).values()) == ["Mori"]
        await pilot.press("q")
    assert store.seated("", time.time()) == {}
    nowhere = RealignApp(Context(context.home, photos=context.home / "nowhere", options=context.options), "review")
    async with nowhere.run_test(size=(80, 24)) as pilot:
        await settled(nowhere, pilot)
        assert "pairs build" in text_of(nowhere, ".empty")
        await pilot.press("a", "e", "n", "u")
        assert isinstance(nowhere.screen, ReviewWindow)


async def test_a_full_disk_is_told_and_the_pair_stays(
    made: Any, monkeypatch: pytest.MonkeyPatch, settled: Any, held: Any, text_of: Any
) -> None:
    context = made()

    def full(_self: ReviewStore, _decision: Any) -> Any:
        raise OSError(28, "No space left on device", "catalog.sqlite")

    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        first = app.screen.query_one("#own").border_title
        monkeypatch.setattr(ReviewStore, "append", full)
        await pilot.press("a")
        await settled(app, pilot)
        assert "No space left" in text_of(app, "#said") and app.screen.query_one("#own").border_title == first
        monkeypatch.undo()
        await pilot.press("a")
        await settled(app, pilot)
        assert held(context) == ["accept"]
