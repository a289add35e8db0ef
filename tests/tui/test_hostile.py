"""Every window with data of somebody without manners: it is shown as it is written, and does nothing else."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static

from realign_edge.evaluation.preference.answers import AnswerPair, write_answers
from realign_edge.files import sha256_file
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.model import InspectionRecord, Photo
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.results.model import Finding, Inspection, Neighbour, Reason, Refused
from realign_edge.results.store import Results
from realign_edge.runs.run import create_run
from tui.app import RealignApp
from tui.context import Context, WindowOptions
from tui.frame.plain import NoControls, as_text
from tui.rooms import ROOMS, RoomName

# Markup that styles, that acts on a click, that closes what was never opened; and what a terminal obeys.
MARKUP = "[@click=app.quit]x[/] [red]y [/nope] [link=file:///etc/passwd]z[/]"
EVIL = f"\x1b[2J\x1b]0;owned\x07\x9b31m\u202e{MARKUP}\r\x00\x08"
FORBIDDEN = ("\x1b", "\x07", "\x9b", "\u202e", "\x00", "\x08", "\r")
KEYS: dict[RoomName, tuple[str, ...]] = {
    "dashboard": ("1", "2", "w", "question_mark", "escape", "s"),
    "review": ("a", "r", "u", "e", "escape", "space"),
    "blind": ("1", "u", "2", "space"),
    "runs": ("down", "enter", "m", "c"),
    "inspections": ("down", "down", "enter", "escape", "d", "escape", "slash"),
}


def pair(photos: list[Photo]) -> PreferencePair:
    how = Provenance("record", masked=EVIL, masking="glossary", completion="infill", reference_gap=1.0)
    return PreferencePair(photos[0].sha256, photos[1].sha256, EVIL, EVIL + " good", EVIL + " bad", "note", how)


def inspection(verdict: Any) -> Inspection:
    return Inspection(
        sha256="1" * 64, name=EVIL, inspected_at="2026-04-01T08:00:00+00:00", verdict=verdict,
        reasons=(Reason(EVIL, EVIL),), description=EVIL, part=EVIL, findings=(Finding("dent", EVIL, EVIL, 0.5, 0.9),),
        neighbours=(Neighbour("2" * 64, EVIL, 0.9, EVIL, EVIL, (EVIL,), (EVIL,), EVIL),), familiarity=0.9,
        confidence=0.9, bundle_id=EVIL, model_sha256="3" * 64, latency_ms=1.0, operator=EVIL, lot=EVIL, station=EVIL,
    )  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path) -> Context:
    """A home in which each text is an attack; the names of photos are those that a file system allows."""
    root = tmp_path / "photos"
    root.mkdir()
    photos = []
    for n in range(2):
        path = root / f"{n} [@click=app.quit]x[] [red]y [nope].png"
        Image.new("RGB", (32, 32), (n, 90, 90)).save(path)
        record = InspectionRecord(note=EVIL, part=EVIL, defects=(EVIL,), lot=EVIL, serial=EVIL, known_defects=True)
        photos.append(Photo(sha256_file(path), path, path.name, 32, 32, "train", record))
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.store_scan(root, [], photos)
        catalog.store_attempts(root, "s", [(photos[0].sha256, {}, [pair(photos).to_json()])])
    with Results.open(tmp_path, station=EVIL) as results:
        for content in (inspection("FAIL"), inspection("REVIEW"), Refused(EVIL, EVIL, "2026-04-01T08:00:04+00:00")):
            results.append(content)
    (tmp_path / "runs").mkdir()
    about = {"photos": str(root), "model": EVIL, "language": "en"}
    run = create_run(tmp_path / "runs", "abcd" * 4, about, "", datetime(2026, 4, 1, 8))
    write_answers(run.folder, EVIL, [AnswerPair(photos[0].sha256, photos[0].name, EVIL + "1", EVIL + "2")])
    told = {"state": "failed", "stage": "train", "task": EVIL, "unit": EVIL, "error": EVIL, "hint": EVIL, "log": EVIL,
            "done": 1, "total": 3, "time": 1_775_000_000.0}  # fmt: skip
    (run.folder / "status.json").write_text(json.dumps(told))
    kinds = ("warning", "sample", "note", "step", "failed", "checkpoint")
    events = [{"type": k, "time": 1_775_000_000.0 + i, "step": i, "text": EVIL, "message": EVIL, "name": EVIL,
               "code": EVIL, "stage": EVIL, "photo": photos[0].sha256} for i, k in enumerate(kinds)]  # fmt: skip
    (run.folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    (run.folder / "evaluation.json").write_text(json.dumps({"decision": {"adopt": False, "sentence": EVIL}}))
    (tmp_path / "watch").mkdir(exist_ok=True)
    (tmp_path / "watch" / "status.json").write_text(json.dumps({"state": EVIL, "folder": EVIL, "pid": 1, "at": EVIL}))
    options = WindowOptions("en", image_mode="none", person="[@click=app.quit]x[/] [red]y")
    return Context(tmp_path, photos=root, options=options, now=lambda: 1_775_000_100.0)


def segments(app: Any) -> Iterator[tuple[str, Any]]:
    """Text and style of everything that goes to the terminal."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if not segment.control:
                yield segment.text, segment.style


def check(app: Any) -> str:
    shown = list(segments(app))
    text = "".join(t for t, _ in shown)
    assert not [c for c in FORBIDDEN if c in text]
    for _, style in shown:
        assert style is None or not style.link
        assert style is None or "app.quit" not in str(style.meta)
    return text


async def settled(app: Any, pilot: Any) -> None:
    from textual.worker import WorkerCancelled, WorkerFailed

    for _ in range(3):
        with suppress(WorkerCancelled, WorkerFailed):
            await app.workers.wait_for_complete()
        await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
@pytest.mark.parametrize("room", [room.name for room in ROOMS])
async def test_no_window_obeys_what_it_shows(room: RoomName, size: tuple[int, int], hostile: Context) -> None:
    app = RealignApp(hostile, room)
    seen = ""
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        seen += check(app)
        for key in KEYS[room]:
            await pilot.press(key)
            await settled(app, pilot)
            seen += check(app)
            assert app.is_running
    # It was shown, and as it is written.
    assert "[@click" in seen or "[red]" in seen, seen


class Bare(RealignApp):
    """Widgets alone, each with the same text."""

    CSS_PATH = None  # type: ignore[assignment]

    def __init__(self, context: Context, text: str) -> None:
        super().__init__(context)
        self._text = text

    def on_mount(self, event: events.Mount) -> None:  # type: ignore[override]
        """No window: the application's own handler is not asked."""
        event.prevent_default()

    def compose(self) -> ComposeResult:
        """A line and a titled one."""
        yield Static(self._text, markup=False)
        titled = Static("x", markup=False)
        titled.styles.border = ("round", "red")
        titled.border_title = as_text(self._text)
        yield titled


async def test_the_gate_is_what_holds_control_characters_back(
    hostile: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (app := Bare(hostile, EVIL)).run_test(size=(120, 24)):
        assert check(app).count("[@click=app.quit]x[/] [red]y [/nope]") == 2
    # A test that cannot fail is none: without the gate they would go through.
    monkeypatch.setattr(RealignApp, "get_line_filters", App.get_line_filters)
    async with (app := Bare(hostile, EVIL)).run_test(size=(120, 24)):
        assert "\x1b" in "".join(t for t, _ in segments(app))


def test_the_gate_leaves_other_lines_alone() -> None:
    from rich.segment import Segment
    from textual.color import Color

    plain, control = Segment("傷 ✓ ─"), Segment("\x1b[2J", None, [(0,)])  # type: ignore[list-item]
    apply: Callable[..., Any] = NoControls().apply
    line = [plain, control]
    assert apply(line, Color(0, 0, 0)) is line
    assert [s.text for s in apply([plain, Segment("a\x1b[1mb\u3000c")], Color(0, 0, 0))] == ["傷 ✓ ─", "a[1mb\u3000c"]
