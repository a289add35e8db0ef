"""What a person says to a verdict: asked for, written, told."""

from typing import Any

import pytest
from textual.widgets import Input

from realign_edge.results.store import Results
from tui.app import RealignApp
from tui.inspections.asking import Names, PassOrFail, TellWhy
from tui.inspections.window import InspectionsWindow


async def test_agree_with_a_verdict_is_one_key(make: Any, settled: Any, seen: Any, said: Any) -> None:
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
async def test_agree_with_a_review_asks_for_the_answer(
    make: Any, key: str, verdict: str, settled: Any, seen: Any, current: Any, said: Any
) -> None:
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


async def test_a_fail_of_which_nothing_was_seen_says_what_is_to_be_seen(
    make: Any, settled: Any, seen: Any, text: Any, said: Any, inspection: Any, texts: Any
) -> None:
    context = make()
    with Results.open(context.home) as results:
        results.append(inspection(30, "REVIEW", texts["en"], findings=()))
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


async def test_overrule_needs_a_reason_and_corrects_the_findings(
    make: Any, settled: Any, seen: Any, current: Any, text: Any, said: Any
) -> None:
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


async def test_retake_and_a_later_decision_that_counts(
    make: Any, settled: Any, seen: Any, current: Any, said: Any
) -> None:
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


async def test_a_refused_file_has_nothing_to_decide(make: Any, settled: Any, current: Any) -> None:
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


async def test_names_are_completed_behind_a_semicolon() -> None:
    names = Names(("scratch", "dent", "heat tint"))
    assert await names.get_suggestion("scr") == "scratch"
    assert await names.get_suggestion("scratch; he") == "scratch; heat tint"
    assert await names.get_suggestion("scratch; ") is None and await names.get_suggestion("x") is None


GLOSSARY = """version = 1
[[defect]]
term = "crack"
ja = ["割れ", "亀裂"]
[[location]]
term = "upper left"
ja = ["左上"]
"""


async def test_names_are_shown_in_japanese_and_kept_as_they_are(
    make: Any, settled: Any, seen: Any, text: Any, said: Any, inspection: Any, texts: Any
) -> None:
    context = make("ja")
    bundle = context.home / "bundles" / "d003e6bb284ba486"
    (bundle / "glossary.toml").write_text(GLOSSARY, encoding="utf-8")
    with Results.open(context.home) as results:
        results.append(inspection(30, "FAIL", texts["en"]))
    app = RealignApp(context, "inspections")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        await pilot.press("3")
        await settled(app, pilot)
        assert (
            "割れ（左上）" in text(app, "#told") and "crack" not in text(app, "#told").split("検出")[1].split("類似")[0]
        )
        await pilot.press("o", "f")
        await pilot.pause()
        assert app.screen.query_one("#defects", Input).value == "割れ"
        assert app.screen.query_one("#locations", Input).value == "左上"
        app.screen.query_one("#defects", Input).value = "割れ; へこみ"
        await pilot.press(*"x", "enter")
        await seen(app, pilot)
        (row,) = said(context, 10)
        assert (row.defects, row.locations) == (("crack", "へこみ"), ("upper left",))
        assert any("割れ（左上）" in note.message for note in app._notifications)
