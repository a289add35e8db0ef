"""Pair review: every key, what others do meanwhile, and how it looks."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from textual.widgets import Static, TextArea

from realign_edge.files import sha256_file
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.model import InspectionRecord, Photo
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.preferences.review.ruling import read_rulings
from realign_edge.preferences.review.session import ReviewSession
from realign_edge.preferences.review.stock import open_stock
from realign_edge.preferences.review.store import ReviewStore
from tui.app import RealignApp
from tui.context import Context, Language, WindowOptions
from tui.review.edit import EditPair
from tui.review.window import ReviewWindow
from tui.words import LANGUAGES

NOTES: dict[Language, tuple[str, str, str]] = {
    "en": (
        "Describe the part and its defects.",
        "Brass gear on the wooden bench. Dent at the lower edge, no other damage.",
        "Brass gear on the wooden bench. Oil stain at the lower right, no other damage.",
    ),
    "ja": (
        "部品とその不良を説明してください。",
        "木の台の上の真鍮の歯車。下端にへこみ、ほかに損傷なし。",
        "木の台の上の真鍮の歯車。右下に油染み、ほかに損傷なし。",
    ),
}


def draw_gear(path: Path, number: int) -> None:
    """A gear on a bench; the dent's place is that of the number."""
    image = Image.new("RGB", (96, 96), (122, 92, 62))
    draw = ImageDraw.Draw(image)
    for y in range(0, 96, 8):
        draw.line((0, y, 95, y + 3), (132, 101, 69), 2)
    outline = [
        (48 + r * math.cos(math.tau * k / 48), 48 + r * math.sin(math.tau * k / 48))
        for k in range(48)
        for r in [40 if k % 4 < 2 else 32]
    ]
    draw.polygon(outline, (212, 176, 84))
    draw.ellipse((26, 26, 70, 70), (196, 160, 72))
    draw.ellipse((38, 38, 58, 58), (122, 92, 62))
    at = (62, 66) if number == 1 else (20 + 8 * number, 30)
    draw.ellipse((at[0] - 7, at[1] - 5, at[0] + 7, at[1] + 5), (96, 74, 40) if number == 1 else (60, 44, 30))
    image.save(path)


@pytest.fixture
def made(tmp_path: Path) -> Callable[[Language], Context]:
    """made("en"): three photos with four pairs; in the order of worth: 1, 3, 2, and one without retrieved photo."""

    def make(language: Language = "en") -> Context:
        root = tmp_path / "photos"
        root.mkdir()
        photos = []
        for n in (1, 2, 3):
            path = root / f"L26-00{n}.png"
            draw_gear(path, n)
            defects = ("dent", "oil stain")
            record = InspectionRecord(note=NOTES[language][1], part="gear", defects=defects, known_defects=True)
            photos.append(Photo(sha256_file(path), path, path.name, 96, 96, "train", record))
        rows = []
        for n, own in enumerate(photos):
            how = Provenance(
                "model" if n == 2 else "record", masked="[MASK]", masking="glossary", completion="infill",
                text_similarity=0.8, photo_similarity=0.7, reference_gap=-0.5 if n == 0 else 18.0 + n,
            )  # fmt: skip
            pair = PreferencePair(own.sha256, photos[n - 1].sha256, *NOTES[language], "note", how)
            rows.append((own.sha256, dict[str, int](), [pair.to_json()]))
        texts = ("Does the photo show rust?", "No.", "Yes.")
        lone = PreferencePair(photos[2].sha256, "", *texts, "yes_no", Provenance("record"))
        rows[-1][2].append(lone.to_json())
        with Catalog(tmp_path / "catalog.sqlite") as catalog:
            catalog.store_scan(root, [], photos)
            catalog.store_attempts(root, "s", rows)
        options = WindowOptions(language, image_mode="half", person="Mori")
        return Context(tmp_path, photos=root, options=options)

    return make


async def settled(app: Any, pilot: Any) -> None:
    """Until what the keys asked for is done and on the screen."""
    for _ in range(3):
        await app.workers.wait_for_complete()
        await pilot.pause()


def held(context: Context) -> list[str]:
    """What holds, in the order in which it was decided."""
    rulings = read_rulings(context.home / "catalog.sqlite").values()
    return [r.held for r in sorted(rulings, key=lambda r: r.decisions[-1].number)]


def text_of(app: Any, where: str) -> str:
    return str(app.screen.query_one(where, Static).render())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_review_looks_as_it_was_found_good(made: Any, size: Any, language: Any, check_screen: Any) -> None:
    app = RealignApp(made(language), "review")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        check_screen(app, f"review-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_editing_looks_as_it_was_found_good(made: Any, language: Any, check_screen: Any) -> None:
    app = RealignApp(made(language), "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("e")
        await pilot.pause()
        check_screen(app, f"review-edit-{language}")


async def test_each_key_is_stored_at_once(made: Any) -> None:
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


async def test_what_cannot_be_is_said_and_the_pair_stays(made: Any) -> None:
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


async def test_skip_stores_nothing_and_shows_it_again(made: Any) -> None:
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


async def test_texts_are_edited_in_a_dialog(made: Any) -> None:
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
        assert ruling.rejected == NOTES["en"][2]
        await pilot.press("e")
        await pilot.pause()
        await pilot.click("#take")
        await settled(app, pilot)
        assert "Nothing was changed" in text_of(app, "#said") and len(held(context)) == 1


async def test_keys_are_on_the_screen_and_can_be_clicked(made: Any) -> None:
    context = made()
    app = RealignApp(context, "review")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.click("FooterKey")
        await settled(app, pilot)
        assert held(context) == ["accept"]
        right = [key.region.right for key in app.screen.query("FooterKey")]
        assert len(right) == 9 and max(right) <= 80


async def test_a_key_between_two_pairs_decides_nothing(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_another_person_is_seen_and_not_overwritten(made: Any) -> None:
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


async def test_a_seat_is_given_back_and_no_pairs_are_told(made: Any) -> None:
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


async def test_a_full_disk_is_told_and_the_pair_stays(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_long_texts_scroll(made: Any) -> None:
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


async def test_a_photo_that_was_replaced_is_told(made: Any) -> None:
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


async def test_the_readme_shows_the_window_of_now(made: Any, check_picture: Any) -> None:
    app = RealignApp(made(), "review")
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(app, pilot)
        check_picture(app, "review")
