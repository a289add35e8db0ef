"""The blind test: every key, nothing that unblinds before the end, and how it looks."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from textual.widgets import Static

from realign_edge.evaluation.preference.answers import AnswerPair, read_answers, write_answers
from realign_edge.evaluation.preference.choices import FILE, standing_choices
from realign_edge.files import sha256_file
from realign_edge.runs.run import Run, create_run
from tui.app import RealignApp
from tui.blind.answer import Answer
from tui.context import Context, Language, WindowOptions
from tui.words import LANGUAGES

ANSWERS: dict[Language, tuple[str, str]] = {
    "en": (
        "Steel washer on the white tray. Rust at the upper edge.",
        "Steel washer on the white tray. No defects found.",
    ),
    "ja": ("白いトレーの上の鋼のワッシャー。上端に錆。", "白いトレーの上の鋼のワッシャー。不良なし。"),
}
ASKED: dict[Language, str] = {"en": "Describe the part and its defects.", "ja": "部品とその不良を説明してください。"}


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Context]:
    """made("en"): a run with answers to three photos that differ, and one that does not."""

    def make(language: Language = "en", differ: int = 3) -> Context:
        root = tmp_path / "photos"
        root.mkdir()
        before, after = ANSWERS[language]
        pairs = []
        for n in range(4):
            image = Image.new("RGB", (96, 96), (220, 220, 224))
            ImageDraw.Draw(image).ellipse((20, 20, 76, 76), (150, 155, 165), (90, 95, 105), 4)
            image.save(root / f"L26-10{n}.png")
            # All four look the same, so that they are told apart by what stands behind the picture.
            with (root / f"L26-10{n}.png").open("ab") as file:
                file.write(bytes([n]))
            sha = sha256_file(root / f"L26-10{n}.png")
            pairs.append(AnswerPair(sha, f"L26-10{n}.png", before, after if n < differ else before))
        (tmp_path / "runs").mkdir()
        run = create_run(tmp_path / "runs", "abcd" * 4, {"photos": str(root)}, "", datetime(2026, 11, 25, 8))
        write_answers(run.folder, ASKED[language], pairs)
        return Context(tmp_path, options=WindowOptions(language, image_mode="half", person="Mori"))

    return make


async def settled(app: Any, pilot: Any) -> None:
    for _ in range(3):
        await app.workers.wait_for_complete()
        await pilot.pause()


def run_of(context: Context) -> Run:
    return Run(next(p for p in (context.home / "runs").iterdir() if not p.is_symlink()))


def chosen(context: Context) -> list[str]:
    """What was preferred, in the order of the choices."""
    folder = run_of(context).folder
    return [c.preferred for c in standing_choices(folder, read_answers(folder).pairs)]


def text_of(app: Any, where: str) -> str:
    return str(app.screen.query_one(where, Static).render())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_blind_test_looks_as_it_was_found_good(made: Any, size: Any, language: Any, check_screen: Any) -> None:
    app = RealignApp(made(language), "blind")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        check_screen(app, f"blind-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_its_end_looks_as_it_was_found_good(made: Any, language: Any, check_screen: Any) -> None:
    app = RealignApp(made(language), "blind")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        for key in ("right", "t", "b"):
            await pilot.press(key)
            await settled(app, pilot)
        check_screen(app, f"blind-end-{language}")


@pytest.mark.parametrize(
    ("key", "side"),
    [("left", "left"), ("l", "left"), ("1", "left"), ("right", "right"), ("r", "right"), ("2", "right")],
)
async def test_a_side_is_chosen_by_key(made: Any, key: str, side: str) -> None:
    context = made()
    app = RealignApp(context, "blind")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        text = text_of(app, f"#{side}")
        await pilot.press(key)
        await settled(app, pilot)
        assert chosen(context) == ["before" if text == ANSWERS["en"][0] else "after"]


async def test_a_side_is_chosen_by_mouse(made: Any) -> None:
    context = made()
    app = RealignApp(context, "blind")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        text = text_of(app, "#right")
        await pilot.click("#right")
        await settled(app, pilot)
        assert chosen(context) == ["before" if text == ANSWERS["en"][0] else "after"]


async def test_tie_bad_skip_and_undo(made: Any) -> None:
    context = made()
    app = RealignApp(context, "blind")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("u")
        await settled(app, pilot)
        assert "not chosen anything" in text_of(app, "#said")
        first = app.screen.query_one("#photo").border_title
        await pilot.press("n")
        await settled(app, pilot)
        assert chosen(context) == [] and app.screen.query_one("#photo").border_title != first
        for key in ("t", "b"):
            await pilot.press(key)
            await settled(app, pilot)
        assert chosen(context) == ["tie", "bad"] and app.screen.query_one("#photo").border_title == first
        await pilot.press("u")
        await settled(app, pilot)
        assert chosen(context) == ["tie"] and "Photo 2 of 3" in text_of(app, "#progress")


async def test_nothing_tells_which_model_it_is_before_the_end(made: Any) -> None:
    context = made()
    app = RealignApp(context, "blind")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(app, pilot)
        for _ in range(3):
            shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips(app.size)).lower()
            assert "before" not in shown and "after" not in shown and "preferred" not in shown
            left, right = app.screen.query(Answer)
            assert left.styles.border == right.styles.border and left.styles.color == right.styles.color
            await pilot.press("left")
            await settled(app, pilot)
        # One of three photos has the answer after alignment on the left.
        assert "preferred for 1 of 3 photos" in text_of(app, "#end Static")
        assert (run_of(context).folder / "preference_test.json").is_file()


async def test_a_test_goes_on_where_it_was_left(made: Any) -> None:
    context = made()
    for n, key in enumerate(("left", "t"), 1):
        app = RealignApp(context, "blind")
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(app, pilot)
            assert f"Photo {n} of 3" in text_of(app, "#progress")
            await pilot.press(key)
            await settled(app, pilot)
            await pilot.press("q")
    assert len((run_of(context).folder / FILE).read_text().splitlines()) == 2


async def test_where_nothing_differs_or_nothing_was_kept_it_says_so(made: Any) -> None:
    context = made(differ=0)
    app = RealignApp(context, "blind")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        assert "nothing to choose" in text_of(app, "#end Static")
    (run_of(context).folder / "answers.json").unlink()
    app = RealignApp(context, "blind")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        assert "align the same photos again" in text_of(app, "#end Static")
        await pilot.press("left", "t", "n", "u")


async def test_a_full_disk_is_told_and_the_photo_stays(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    context = made()
    app = RealignApp(context, "blind")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        first = app.screen.query_one("#photo").border_title
        monkeypatch.setattr("realign_edge.runs.journal.os.fsync", full)
        await pilot.press("left")
        await settled(app, pilot)
        assert "No space left" in text_of(app, "#said") and app.screen.query_one("#photo").border_title == first
        monkeypatch.undo()
        await pilot.press("left")
        await settled(app, pilot)
        assert len(chosen(context)) == 1


async def test_a_photo_that_was_replaced_is_told(made: Any) -> None:
    context = made()
    for path in (context.home / "photos").iterdir():
        Image.new("RGB", (8, 8)).save(path)
    app = RealignApp(context, "blind")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        assert "not the photo" in (app.screen.query_one("#photo").border_subtitle or "")
