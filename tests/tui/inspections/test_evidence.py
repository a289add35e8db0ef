"""Photos, figures, the chain and the report: what stands behind a verdict."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.widgets import Input, Static

from realign_edge.results.store import FILE, Results
from realign_edge.results.thumbnails import thumbnail_path
from tui.app import RealignApp
from tui.frame.tell import Tell
from tui.inspections import feed
from tui.inspections.ask_report import AskReport
from tui.inspections.enlarged import Enlarged
from tui.inspections.telling import details, watcher_line
from tui.inspections.window import InspectionsWindow
from tui.words import words_in


async def test_the_photo_is_seen_large(make: Any, settled: Any, text: Any) -> None:
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


async def test_strange_photos_are_told_in_words(make: Any, settled: Any) -> None:
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


async def test_the_chain_is_checked_once_and_by_key(
    make: Any, monkeypatch: pytest.MonkeyPatch, settled: Any, text: Any
) -> None:
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


async def test_the_report_is_written_and_its_place_told(make: Any, settled: Any, text: Any) -> None:
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


def test_everything_measured_is_told(make: Any, texts: Any) -> None:
    context = make()
    opened = feed.open_row(context, 2, ())
    assert opened is not None
    told = " ".join(f"{label} {line}" for label, line, _ in details(words_in("en"), opened))
    for fact in ("grounding +5.5", "confidence 60 %", "familiar 0.71", "confidence 80 %", "lot L2600", "row 2", "54 ms",
                 "0.74", texts["en"]["note"], texts["en"]["asks"]):  # fmt: skip
        assert fact in told
