"""The window of inspections: how it looks, what each key does, and what it survives."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from textual.widgets import Input, Static

from realign_edge.bundle.contract import THUMBNAILS
from realign_edge.results.model import Disposition, Finding, Inspection, Neighbour, Reason, Refused
from realign_edge.results.store import FILE, Results
from realign_edge.results.thumbnails import thumbnail_path
from realign_edge.runs.process import process_mark
from tui.app import RealignApp
from tui.context import Context, Language, WindowOptions
from tui.frame.ask import Confirm
from tui.frame.listing import Listing
from tui.frame.tell import Tell
from tui.inspections import feed
from tui.inspections.ask_report import AskReport
from tui.inspections.asking import Names, PassOrFail, TellWhy
from tui.inspections.enlarged import Enlarged
from tui.inspections.telling import details, watcher_line
from tui.inspections.window import InspectionsWindow
from tui.words import LANGUAGES, words_in

SIZES = ((80, 24), (120, 40), (200, 50))
NOW = datetime(2026, 4, 2, 10, 0, tzinfo=UTC).timestamp()
TEXTS: dict[Language, dict[str, Any]] = {
    "en": {
        "says": "Copper washer on the grey conveyor. Crack at the upper left.",
        "clean": "Copper washer on the grey conveyor. No defects found.",
        "asks": "The description does not name pitting, but asked for it the model says yes with 99 % (from 26 % on).",
        "defect": "Defect: Crack at the upper left.",
        "finding": ("crack", "upper left"),
        "note": "Copper washer on the wood. Lower right: crack.",
        "near": (("crack",), ("lower right",)),
        "refused": "it is no photo",
        "why": "only a reflection",
    },
    "ja": {
        "says": "灰色のコンベヤーの上の銅の座金。左上に割れ。",
        "clean": "灰色のコンベヤーの上の銅の座金。不良なし。",
        "asks": "説明に孔食はありませんが、問うとモデルは 99 % で「はい」と答えます（26 % 以上）。",
        "defect": "不良：左上に割れ。",
        "finding": ("割れ", "左上"),
        "note": "木の台の上の銅の座金。右下に割れ。",
        "near": (("割れ",), ("右下",)),
        "refused": "写真ではありません",
        "why": "反射だけ",
    },
}


def washer(path: Path, ground: str, mark: tuple[int, int] | None) -> None:
    """Drawn with whole numbers alone, so that it is the same on every machine."""
    image = Image.new("RGB", (96, 96), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((12, 14, 84, 86), "#5a3826")
    draw.ellipse((10, 10, 82, 82), "#c87c50")
    draw.ellipse((32, 32, 60, 60), ground)
    if mark is not None:
        draw.line((*mark, mark[0] + 14, mark[1] + 8), "#2a1c14", 4)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "PNG")


def inspection(number: int, verdict: Any, texts: dict[str, Any], **more: Any) -> Inspection:
    defect, place = texts["finding"]
    finding = Finding(defect, place, texts["defect"], 5.46, 0.6)
    similarities = ((0.745, texts["near"]), (0.705, texts["near"]), (0.69, ((), ())))
    values: dict[str, Any] = {
        "sha256": f"{number:064x}",
        "name": f"line1/L2600-{number:03d}_1.jpg",
        "inspected_at": f"2026-04-02T08:{number:02d}:00+00:00",
        "verdict": verdict,
        "reasons": {"PASS": (), "FAIL": (Reason("defect", texts["defect"]),),
                    "REVIEW": (Reason("suspected", texts["asks"]), Reason("defect", texts["defect"]))}[verdict],
        "description": texts["clean" if verdict == "PASS" else "says"],
        "part": "washer",
        "findings": () if verdict == "PASS" else (finding,),
        "neighbours": tuple(
            Neighbour(f"{900 + i:064x}", f"photos/L2603/L2603-01{i}_1.jpg", s, texts["note"], "washer", *seen)
            for i, (s, seen) in enumerate(similarities)
        ),
        "familiarity": 0.713,
        "confidence": 0.802,
        "bundle_id": "d003e6bb284ba486",
        "model_sha256": "c" * 64,
        "latency_ms": 54.3,
        "lot": "L2600",
    }  # fmt: skip
    return Inspection(**{**values, **more})


def decided(entry: int, number: int, **more: Any) -> Disposition:
    values: dict[str, Any] = {"decision": "agree", "operator": "Sato", "decided_at": "2026-04-02T09:00:00+00:00"}
    return Disposition(entry, f"{number:064x}", **{**values, **more})


@pytest.fixture(autouse=True)
def same_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC")
        time.tzset()
        feed._checked.clear()
        yield
    time.tzset()


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Context]:
    """make("en"): ten rows of two days, thumbnails, a bundle's past photos, and a watcher that is alive."""
    monkeypatch.chdir(tmp_path)

    def made(language: Language = "en", mode: Any = "none", **more: Any) -> Context:
        home, texts = Path("station"), TEXTS[language]
        home.mkdir(exist_ok=True)
        with Results.open(home) as results:
            results.append(inspection(1, "PASS", texts, inspected_at="2026-04-01T09:00:00+00:00"))
            results.append(inspection(2, "REVIEW", texts, inspected_at="2026-04-01T09:30:00+00:00"))
            for number, verdict in ((3, "PASS"), (4, "FAIL"), (5, "REVIEW"), (6, "FAIL")):
                results.append(inspection(number, verdict, texts))
            results.append(Refused("line1/torn.jpg", texts["refused"], "2026-04-02T08:07:00+00:00", "f" * 64))
            results.append(inspection(8, "PASS", texts))
            more_said = {"decision": "overrule", "verdict": "PASS", "reason": texts["why"]}
            results.append(decided(4, 4, **more_said))
        for number in range(1, 9):
            washer(thumbnail_path(home, f"{number:064x}"), "#8a9299", (20 + number, 20) if number != 3 else None)
        for number in range(2):
            path = home / "bundles" / "d003e6bb284ba486" / THUMBNAILS / f"{900 + number:064x}.jpg"
            washer(path, ("#8c7450", "#48689c")[number], (60, 58))
        watch = {"pid": os.getpid(), "mark": process_mark(os.getpid()), "state": "watching", "folder": "/data/in",
                 "at": "2026-04-02T09:59:58+00:00", "last_event_at": "2026-04-02T09:59:20+00:00",
                 "waiting": 2}  # fmt: skip
        (home / "watch").mkdir(exist_ok=True)
        (home / "watch" / "status.json").write_text(json.dumps(watch))
        options = WindowOptions(language, image_mode=mode, person="Mori")
        return Context(home, options=options, now=lambda: NOW, **more)

    return made


async def settled(app: Any, pilot: Any) -> None:
    for _ in range(4):
        await app.workers.wait_for_complete()
        await pilot.pause()


async def seen(app: Any, pilot: Any) -> None:
    """After what the keys wrote was read again."""
    await settled(app, pilot)
    window(app).look()
    await settled(app, pilot)


def window(app: Any) -> InspectionsWindow:
    found = app.screen_stack[1]
    assert isinstance(found, InspectionsWindow)
    return found


def keys(app: Any) -> tuple[Any, ...]:
    return window(app).query_one(Listing).keys


def current(app: Any) -> Any:
    return window(app).query_one(Listing).current


def text(app: Any, name: str) -> str:
    return str(app.screen.query_one(name, Static).render())


def said(context: Context, number: int) -> list[Disposition]:
    with Results.read(context.home) as results:
        return [e.content for e in results.decisions(number) if isinstance(e.content, Disposition)]


# How it looks


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_a_review_looks_as_it_was_found_good(make: Any, size: Any, language: Any, check_screen: Any) -> None:
    app = RealignApp(make(language, "half" if size[0] == 120 else "none"), "inspections")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        check_screen(app, f"inspections-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_a_fail_looks_as_it_was_found_good(make: Any, size: Any, language: Any, check_screen: Any) -> None:
    app = RealignApp(make(language), "inspections")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        await pilot.press("3")
        await settled(app, pilot)
        check_screen(app, f"inspections-fail-{size[0]}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_a_decided_one_looks_as_it_was_found_good(make: Any, size: Any, language: Any, check_screen: Any) -> None:
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
async def test_without_verdicts_it_says_how_to_begin(tmp_path: Path, language: Any, check_screen: Any) -> None:
    options = WindowOptions(language, image_mode="none", person="Mori")
    app = RealignApp(Context(tmp_path, options=options, now=lambda: NOW), "inspections")
    with Results.open(tmp_path):
        pass
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        check_screen(app, f"inspections-empty-80-{language}")
        await pilot.press("a", "o", "t", "r", "v", "enter", "u", "1", "2", "left", "right")
        assert isinstance(app.screen, InspectionsWindow)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_dialog_of_an_overrule(make: Any, language: Any, check_screen: Any) -> None:
    app = RealignApp(make(language), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("o")
        await pilot.pause()
        check_screen(app, f"inspections-which-80-{language}")
        await pilot.press("f")
        await pilot.pause()
        check_screen(app, f"inspections-why-80-{language}")


async def test_the_picture_of_the_readme(make: Any, check_picture: Any) -> None:
    app = RealignApp(make("en", "half"), "inspections")
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(app, pilot)
        check_picture(app, "inspections")


# Which rows, in which order


async def test_what_waits_comes_first_and_keys_filter(make: Any) -> None:
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


async def test_verdicts_appear_as_they_come_and_the_cursor_stays(make: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("down", "down")
        assert current(app) == 6
        with Results.open(context.home) as results:
            results.append(inspection(20, "FAIL", TEXTS["en"]))
            results.append(inspection(21, "REVIEW", TEXTS["en"]))
        await seen(app, pilot)
        assert keys(app)[:5] == (2, 5, 11, 10, 6) and current(app) == 6


async def test_the_text_beside_scrolls_by_key(make: Any) -> None:
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


async def test_another_day_begins_anew(make: Any) -> None:
    clock = [NOW]
    context = make()
    app = RealignApp(Context(context.home, options=context.options, now=lambda: clock[0]), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        clock[0] += 86400
        await seen(app, pilot)
        assert keys(app) == (2, 5), "what waits stays; yesterday's verdicts do not"


# Deciding


async def test_agree_with_a_verdict_is_one_key(make: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("3")
        await settled(app, pilot)
        await pilot.press("a")
        await seen(app, pilot)
        (row,) = said(context, 6)
        assert (row.decision, row.operator, row.verdict) == ("agree", "Mori", "")
        assert row.decided_at == "2026-04-02T10:00:00+00:00"
        await pilot.press("a")
        await seen(app, pilot)
        assert len(said(context, 6)) == 1, "the same person agrees once"


@pytest.mark.parametrize(("key", "verdict"), [("p", "PASS"), ("f", "FAIL")])
async def test_agree_with_a_review_asks_for_the_answer(make: Any, key: str, verdict: str) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("a")
        assert isinstance(app.screen, PassOrFail)
        await pilot.press("escape")
        assert isinstance(app.screen, InspectionsWindow) and not said(context, 2)
        await pilot.press("a", key)
        await seen(app, pilot)
        assert [(d.decision, d.verdict) for d in said(context, 2)] == [("agree", verdict)]
        assert current(app) == 5, "the next that waits"


async def test_a_fail_of_which_nothing_was_seen_says_what_is_to_be_seen(make: Any) -> None:
    context = make()
    with Results.open(context.home) as results:
        results.append(inspection(30, "REVIEW", TEXTS["en"], findings=()))
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("2", "end")
        await settled(app, pilot)
        await pilot.press("a", "f")
        await pilot.pause()
        assert isinstance(app.screen, TellWhy)
        await pilot.press("enter")
        assert "Still missing: Defects" in text(app, "#missing")
        await pilot.press(*"dent; rust", "tab", *"rim; hub", "enter")
        await seen(app, pilot)
        (row,) = said(context, 10)
        assert (row.defects, row.locations, row.verdict) == (("dent", "rust"), ("rim", "hub"), "FAIL")


async def test_overrule_needs_a_reason_and_corrects_the_findings(make: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        # A FAIL may be a PASS, or a FAIL for another reason.
        await pilot.press("3")
        await settled(app, pilot)
        await pilot.press("o", "p", "enter")
        assert isinstance(app.screen, TellWhy) and "Reason" in text(app, "#missing")
        await pilot.press(*"dust", "enter")
        await seen(app, pilot)
        (row,) = said(context, 6)
        assert (row.decision, row.verdict, row.reason, row.defects) == ("overrule", "PASS", "dust", ())
        # It is a PASS now, and a PASS is overruled to FAIL without being asked what it is.
        await pilot.press("4")
        await settled(app, pilot)
        assert current(app) == 8
        await pilot.press("o")
        await pilot.pause()
        assert isinstance(app.screen, TellWhy)
        await pilot.press(*"missed", "tab", *"dent", "tab", *"rim", "enter")
        await seen(app, pilot)
        (row,) = said(context, 8)
        assert (row.verdict, row.reason, row.defects, row.locations) == ("FAIL", "missed", ("dent",), ("rim",))


async def test_retake_and_a_later_decision_that_counts(make: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(app, pilot)
        await pilot.press("t", *"blurred", "enter")
        await seen(app, pilot)
        assert [(d.decision, d.reason) for d in said(context, 2)] == [("retake", "blurred")]
        await pilot.press("u")
        assert any("later decision counts" in note.message for note in app._notifications)
        await pilot.press("3", "end")
        await settled(app, pilot)
        assert current(app) == 2
        await pilot.press("a", "p")
        await seen(app, pilot)
        assert [d.decision for d in said(context, 2)] == ["retake", "agree"]


async def test_two_people_lose_nothing(make: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        window(app)._looking = True  # this window has not yet seen what the other one does
        with Results.open(context.home) as results:
            results.append(decided(2, 2, verdict="PASS"))
        await pilot.press("a", "f")
        await settled(app, pilot)
        assert isinstance(app.screen, Confirm) and len(said(context, 2)) == 1
        await pilot.press("y")
        await settled(app, pilot)
        assert [(d.operator, d.verdict) for d in said(context, 2)] == [("Sato", "PASS"), ("Mori", "FAIL")]
        with Results.read(context.home) as results:
            assert results.verify() == []


async def test_a_refused_file_has_nothing_to_decide(make: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("end")
        await settled(app, pilot)
        assert current(app) == 7
        for key in "aot":
            await pilot.press(key)
            assert isinstance(app.screen, InspectionsWindow)
        assert any("never inspected" in note.message for note in app._notifications)


async def test_what_cannot_be_written_is_said(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    context = make()
    app = RealignApp(context, "inspections")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        with monkeypatch.context() as patched:
            patched.setattr("tui.inspections.decisions.write_decision", full)
            await pilot.press("a", "p")
            await settled(app, pilot)
        assert any("No space left" in note.message for note in app._notifications)
        await pilot.press("a", "p")
        await seen(app, pilot)
    assert len(said(context, 2)) == 1


async def test_a_copy_is_only_looked_at(make: Any) -> None:
    context = make()
    with Results.read(context.home) as results:
        results.backup(Path("copy.sqlite"))
    copy = Context(context.home, results=Path("copy.sqlite"), options=context.options, now=context.now)
    app = RealignApp(copy, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        assert keys(app) == (2, 5, 6, 8, 4, 3, 7)
        await pilot.press("a", "p")
        await settled(app, pilot)
        assert any("is a copy" in note.message for note in app._notifications)
    assert not said(context, 2)


# Photos, chain, report


async def test_the_photo_is_seen_large(make: Any) -> None:
    app = RealignApp(make(), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("enter")
        assert isinstance(app.screen, Enlarged)
        assert text(app, "#line").startswith("1/3  this photo (small copy)  line1/L2600-002_1.jpg")
        await pilot.press("right")
        assert text(app, "#line").startswith("2/3  0.74")
        await pilot.press("left", "left")
        assert text(app, "#line").startswith("3/3")
        await pilot.press("escape")
        assert isinstance(app.screen, InspectionsWindow)


async def test_strange_photos_are_told_in_words(make: Any) -> None:
    context = make("en", "half")
    thumbnail_path(context.home, f"{2:064x}").write_bytes(b"no picture")
    Image.new("I;16", (8, 3000)).save(thumbnail_path(context.home, f"{5:064x}"), "TIFF")
    thumbnail_path(context.home, f"{6:064x}").unlink()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        assert "cannot be shown" in str(app.screen.query_one("#own .words", Static).render())
        for _ in range(2):
            await pilot.press("down")
            await settled(app, pilot)
        assert "the photo is gone" in str(app.screen.query_one("#own .caption", Static).render())


async def test_the_chain_is_checked_once_and_by_key(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    context, checks = make(), list[Path]()
    real = Results.verify

    def counted(results: Results) -> Any:
        checks.append(results.path)
        return real(results)

    monkeypatch.setattr(Results, "verify", counted)
    for _ in range(2):
        app = RealignApp(context, "inspections")
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(app, pilot)
            assert text(app, "#chain") == "✓ all 9 rows whole"
    assert len(checks) == 1, "the second window knows it"
    db = sqlite3.connect(context.home / FILE)
    db.execute("DROP TRIGGER entries_never_change")
    db.execute("UPDATE entries SET content = replace(content, 'FAIL', 'PASS') WHERE number = 6")
    db.commit()
    db.close()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("v")
        await settled(app, pilot)
        assert isinstance(app.screen, Tell)
        assert "row 6: is not as it was written" in text(app, ".about")
        await pilot.press("escape")
        assert text(app, "#chain").startswith("✗")


async def test_the_report_is_written_and_its_place_told(make: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(app, pilot)
        await pilot.press("r")
        assert isinstance(app.screen, AskReport)
        forms = app.screen.query_one("#forms", Input)
        forms.value = "html,word"
        await pilot.press("enter")
        assert "word" in text(app, "#missing")
        forms.value = "csv,json"
        await pilot.press("enter")
        await settled(app, pilot)
        assert isinstance(app.screen, Tell)
        written = text(app, ".about").split("\n")
        assert len(written) == 2 and all(Path(path).is_file() for path in written)
        assert json.loads(Path(written[1]).read_text())["summary"]["photos"] == 5, "today's alone"


# What it survives


@pytest.mark.parametrize("kind", ["missing", "text", "foreign"])
async def test_no_results_file_is_told_and_waited_for(make: Any, tmp_path: Path, kind: str) -> None:
    home = tmp_path / "other"
    home.mkdir()
    if kind == "text":
        (home / FILE).write_text("no database " * 400)
    if kind == "foreign":
        sqlite3.connect(home / FILE).execute("CREATE TABLE t (x)").connection.commit()
    app = RealignApp(Context(home, now=lambda: NOW, options=make().options), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        shown = text(app, "#none")
        assert {"missing": "no results at", "text": "is not a database", "foreign": "does not hold"}[kind] in shown
        (home / FILE).unlink(missing_ok=True)
        with Results.open(home) as results:
            results.append(inspection(3, "REVIEW", TEXTS["en"]))
        await seen(app, pilot)
        assert keys(app) == (1,)


async def test_a_file_that_goes_away_leaves_what_is_known(make: Any) -> None:
    context = make()
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        aside = context.home / "aside.sqlite"
        (context.home / FILE).rename(aside)
        await seen(app, pilot)
        assert text(app, "#watcher").startswith("! no results at") and keys(app)
        aside.rename(context.home / FILE)
        await seen(app, pilot)
        assert "Watching" in text(app, "#watcher")


async def test_a_locked_file_is_waited_for(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from realign_edge.errors import RealignError

    app = RealignApp(make(), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)

        def held(_: Any) -> bool:
            raise RealignError("another process has been writing for 30 s")

        with monkeypatch.context() as patched:
            patched.setattr("realign_edge.results.follow.Follower.look", held)
            await seen(app, pilot)
            assert "another process" in text(app, "#watcher")
        await seen(app, pilot)
        assert "Watching" in text(app, "#watcher")


async def test_a_resize_keeps_the_place(make: Any) -> None:
    app = RealignApp(make("en", "half"), "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("down", "down")
        for size in ((200, 50), (79, 23), (120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await settled(app, pilot)
        assert current(app) == 6


def test_the_watcher_in_words() -> None:
    from realign_edge.station.watching.pulse import WatcherPulse

    words = words_in("en")
    states = ("watching", "waiting for the folder", "silent", "stopped", "failed", "gone")
    told = {s: watcher_line(words, WatcherPulse(s, "/in", 2, "no disk", 30, 95), 120) for s in states}
    assert told["watching"] == ("● Watching /in · 2 in hand · last 2 min ago", "ok")
    assert told["failed"] == ("! The watcher of /in failed: no disk", "stopped")
    assert told["stopped"][0].startswith("○ Not watching")
    assert len({line for line, _ in told.values()}) == len(states)
    assert watcher_line(words, None, 80)[1] == "dim"


async def test_names_are_completed_behind_a_semicolon() -> None:
    names = Names(("scratch", "dent", "heat tint"))
    assert await names.get_suggestion("scr") == "scratch"
    assert await names.get_suggestion("scratch; he") == "scratch; heat tint"
    assert await names.get_suggestion("scratch; ") is None and await names.get_suggestion("x") is None


def test_everything_measured_is_told(make: Any) -> None:
    context = make()
    opened = feed.open_row(context, 2, ())
    assert opened is not None
    told = " ".join(f"{label} {line}" for label, line, _ in details(words_in("en"), opened))
    for fact in ("grounding +5.5", "confidence 60 %", "familiar 0.71", "confidence 80 %", "lot L2600", "row 2", "54 ms",
                 "0.74", TEXTS["en"]["note"], TEXTS["en"]["asks"]):  # fmt: skip
        assert fact in told
