"""What every window has: tabs, help, themes, both languages, a terminal that is too small."""

import asyncio
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual import events
from textual.command import CommandInput, CommandList
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui import rooms
from tui.app import RealignApp
from tui.context import Context, WindowOptions
from tui.frame.ask import AskText, Confirm
from tui.frame.help import HelpScreen
from tui.frame.picture import Picture, fitted
from tui.frame.too_small import TooSmall
from tui.frame.window import Window
from tui.rooms import BY_NAME, ROOMS
from tui.words import LANGUAGES, words_in


class Plain(Window):
    """A window of its own kind, so that the frame is tested without any other's content."""

    ROOM = "runs"

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("runs.about"), classes="empty")


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(rooms.Room, "open", lambda room, context: Plain(context))
    return Context(tmp_path, options=WindowOptions(image_mode="half", person="tester"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_frame_looks_as_it_was_found_good(context: Context, size: Any, language: Any, check_screen: Any) -> None:
    options = WindowOptions(language, image_mode="half", person="tester")
    app = RealignApp(Context(context.home, options=options), "runs")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        check_screen(app, f"frame-{size[0]}-{language}")


async def test_help_names_every_key_in_the_readers_language(context: Context, check_screen: Any) -> None:
    app = RealignApp(Context(context.home, options=WindowOptions("ja", person="tester")), "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        check_screen(app, "frame-help-ja")
        await pilot.press("escape")
        assert isinstance(app.screen, Plain)


async def test_tabs_and_keys_open_the_windows(context: Context) -> None:
    app = RealignApp(context, "runs")
    async with app.run_test(size=(120, 40)) as pilot:
        for room in ROOMS:
            await pilot.press(room.key)
            assert app.room == room.name
        first = app.screen
        await pilot.click("Tab")
        await pilot.pause()
        assert app.room == "dashboard" and app.screen is not first


async def test_small_terminal_says_so_and_recovers(context: Context) -> None:
    app = RealignApp(context, "runs")
    async with app.run_test(size=(79, 24)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, TooSmall)
        assert "79 columns and 24 lines" in str(app.screen.query_one(Static).render())
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert isinstance(app.screen, Plain)


@pytest.mark.parametrize("dialog", [None, "question_mark", "ctrl+p"])
async def test_sizes_in_flight_do_not_call_each_other_for_ever(
    context: Context, dialog: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts = 0
    lay_out = Screen._refresh_layout

    def counted(screen: Screen[object], *args: Any, **more: Any) -> None:
        nonlocal layouts
        layouts += 1
        assert layouts < 100, "the sizes call each other"
        lay_out(screen, *args, **more)

    app = RealignApp(context, "runs")
    async with app.run_test(size=(90, 30)) as pilot:
        if dialog:
            await pilot.press(dialog)
        await pilot.pause()
        monkeypatch.setattr(Screen, "_refresh_layout", counted)
        with app.batch_update():
            for screen in app.screen_stack:
                for columns in (89, 90):
                    screen.post_message(events.Resize(Size(columns, 30), Size(columns, 30)))
                    screen.call_later(lambda: None)  # without it Textual would make one of the two
            await asyncio.sleep(0.1)
        await pilot.pause()
        assert all(screen.size == Size(90, 30) for screen in app.screen_stack)


async def test_theme_and_language_change_by_key(context: Context) -> None:
    app = RealignApp(context, "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+t")
        assert app.theme == "light"
        await pilot.press("ctrl+t")
        assert app.theme == "contrast"
        await pilot.press("ctrl+l")
        await pilot.pause()
        assert words_in("ja")("runs.about") in str(app.screen.query_one(".empty", Static).render())


async def test_palette_speaks_the_readers_language(context: Context) -> None:
    app = RealignApp(Context(context.home, options=WindowOptions("ja", person="tester")), "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        told = [(command.title, command.help) for command in app.get_system_commands(app.screen)]
        assert (words_in("ja")("review.tab"), words_in("ja")("review.about")) in told


async def test_question_is_answered_by_key_and_by_mouse(context: Context) -> None:
    app = RealignApp(context, "runs")
    answers: list[Any] = []
    async with app.run_test(size=(80, 24)) as pilot:
        for press in ("y", "n", "escape", "enter"):
            app.push_screen(Confirm("Stop?", "It can go on later."), answers.append)
            await pilot.pause()
            await pilot.press(press)
        app.push_screen(Confirm("Stop?"), answers.append)
        await pilot.pause()
        await pilot.click("#yes")
        await pilot.pause()
    assert answers == [True, False, False, False, True]


async def test_text_is_asked_for_until_it_is_given(context: Context) -> None:
    app = RealignApp(context, "runs")
    answers: list[Any] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(AskText("Why?"), answers.append)
        await pilot.pause()
        await pilot.press("enter")
        assert isinstance(app.screen, AskText) and not answers
        await pilot.press(*"dent", "enter")
        app.push_screen(AskText("Why?"), answers.append)
        await pilot.pause()
        await pilot.press("escape")
    assert answers == ["dent", None]


async def test_photo_is_drawn_or_its_reason_told(context: Context, tmp_path: Path) -> None:
    from PIL import Image

    good, bad = tmp_path / "good.png", tmp_path / "bad.jpg"
    Image.new("RGB", (64, 32), "#c04020").save(good)
    bad.write_bytes(b"not a photo")

    class Shows(Window):
        ROOM = "runs"

        def body(self) -> Iterable[Widget]:
            yield Picture(good, id="photo")

    app = RealignApp(context, "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Shows(context))
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        picture = app.screen.query_one(Picture)
        assert picture.has_class("drawn") and picture.query_one(".drawing").styles.width is not None
        picture.show(bad)
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert not picture.has_class("drawn")
        assert "bad.jpg" in str(picture.query_one(".words", Static).render())


@pytest.mark.parametrize(
    ("photo", "room", "expected"),
    [
        ((100, 100), Size(40, 10), Size(20, 10)),
        ((200, 100), Size(40, 40), Size(40, 10)),
        ((1, 1000), Size(40, 10), Size(1, 10)),
    ],
)
def test_photo_keeps_its_shape(photo: tuple[int, int], room: Size, expected: Size) -> None:
    assert fitted(photo, room, (1, 2)) == expected


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    english, japanese = (words_in(language).sections for language in LANGUAGES)
    assert english.keys() == japanese.keys()
    for section, words in english.items():
        assert words.keys() == japanese[section].keys(), section
        for key, text in words.items():
            assert _values(text) == _values(japanese[section][key]), f"{section}.{key}"


def test_every_window_has_a_title_and_says_what_it_is_for() -> None:
    for room in BY_NAME:
        assert words_in("en").knows(f"{room}.tab") and words_in("en").knows(f"{room}.about")


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


async def test_a_notice_is_folded_as_japanese_is(context: Context) -> None:
    app = RealignApp(context, "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.notify("この記録は取り消しも変更もできません。もう一度判断すると後の判断が有効になります。")
        await pilot.pause()
        (notice,) = app._notifications
        lines = notice.message.split("\n")
        assert lines[0] == "この記録は取り消しも変更もできませ" and all(cell_len(line) <= 36 for line in lines)


async def test_the_palette_speaks_japanese_also_where_nothing_fits(context: Context) -> None:
    app = RealignApp(Context(context.home, options=WindowOptions("ja", person="tester")), "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p")
        assert app.screen.query_one(CommandInput).placeholder == words_in("ja")("common.search")
        await pilot.press(*"zzz")
        found = app.screen.query_one(CommandList)
        deadline = asyncio.get_running_loop().time() + 20
        while not (found.option_count and found.get_option_at_index(0).disabled):
            assert asyncio.get_running_loop().time() < deadline
            await pilot.pause(0.05)
        assert str(found.get_option_at_index(0).prompt) == words_in("ja")("common.search_nothing")
