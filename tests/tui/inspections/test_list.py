"""Which rows there are, in which order, and where the cursor stands."""

from typing import Any

import pytest

from realign_edge.results.store import Results
from tui.app import RealignApp
from tui.context import Context
from tui.inspections import feed


async def test_what_waits_comes_first_and_keys_filter(make: Any, settled: Any, keys: Any) -> None:
    app = RealignApp(make(), "inspections")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(app, pilot)
        # Waiting since yesterday; today's; then FAIL, PASS (with one that a person overruled), refused.
        assert keys(app) == (2, 5, 6, 8, 4, 3, 7)
        for key, expected in (("2", (2, 5)), ("3", (6,)), ("4", (8, 4, 3)), ("1", (2, 5, 6, 8, 4, 3, 7))):
            await pilot.press(key)
            assert keys(app) == expected
        await pilot.press("d")
        await settled(app, pilot)
        assert keys(app) == (2, 5, 6, 8, 4, 3, 1, 7)
        await pilot.press("d")
        await settled(app, pilot)
        assert 1 not in keys(app)


async def test_verdicts_appear_as_they_come_and_the_cursor_stays(
    make: Any, settled: Any, seen: Any, keys: Any, current: Any, inspection: Any, texts: Any
) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("down", "down")
        assert current(app) == 6
        with Results.open(context.home) as results:
            results.append(inspection(20, "FAIL", texts["en"]))
            results.append(inspection(21, "REVIEW", texts["en"]))
        await seen(app, pilot)
        assert keys(app)[:5] == (2, 5, 11, 10, 6) and current(app) == 6


async def test_the_text_beside_scrolls_by_key(make: Any, settled: Any) -> None:
    app = RealignApp(make(), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        beside = app.screen.query_one("#scroll")
        await pilot.press("right", "right")
        assert beside.scroll_offset.y == 6
        await pilot.press("left")
        assert beside.scroll_offset.y == 3
        await pilot.press("down")
        await settled(app, pilot)
        assert beside.scroll_offset.y == 0, "another row begins above"


def test_a_long_list_begins_with_the_newest(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_FIRST", 2)
    follows = feed.Feed(make())
    looks = [follows.look(False) for _ in range(3)]
    assert looks[0] is not None and [row.number for row in looks[0][0]] == [2, 5, 8]
    assert looks[1] is not None and [row.number for row in looks[1][0]] == [2, 3, 4, 5, 6, 7, 8]
    assert looks[2] is None


async def test_another_day_begins_anew(make: Any, settled: Any, seen: Any, keys: Any, now: Any) -> None:
    clock = [now]
    context = make()
    app = RealignApp(Context(context.home, options=context.options, now=lambda: clock[0]), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        clock[0] += 86400
        await seen(app, pilot)
        assert keys(app) == (2, 5), "what waits stays; yesterday's verdicts do not"


async def test_a_resize_keeps_the_place(make: Any, settled: Any, current: Any) -> None:
    app = RealignApp(make("en", "half"), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("down", "down")
        for size in ((200, 50), (79, 23), (120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await settled(app, pilot)
        assert current(app) == 6
