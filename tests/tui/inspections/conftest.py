"""A station with ten rows of two days, and what tests ask of its window."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from textual.widgets import Static

from realign_edge.bundle.contract import THUMBNAILS
from realign_edge.results.model import Disposition, Finding, Inspection, Neighbour, Reason, Refused
from realign_edge.results.store import Results
from realign_edge.results.thumbnails import thumbnail_path
from realign_edge.runs.process import process_mark
from tui.context import Context, Language, WindowOptions
from tui.frame.listing import Listing
from tui.inspections import feed
from tui.inspections.window import InspectionsWindow

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


@pytest.fixture(name="settled")
def _settled() -> Any:
    """await settled(app, pilot): what is under way has come."""
    return settled


@pytest.fixture(name="seen")
def _seen() -> Any:
    """await seen(app, pilot): what the keys wrote was read again."""
    return seen


@pytest.fixture(name="window")
def _window() -> Any:
    """window(app): the one of inspections, below any dialog."""
    return window


@pytest.fixture(name="keys")
def _keys() -> Any:
    """keys(app): numbers of the rows, from above."""
    return keys


@pytest.fixture(name="current")
def _current() -> Any:
    """current(app): the row under the cursor."""
    return current


@pytest.fixture(name="text")
def _text() -> Any:
    """text(app, "#id"): what a part says."""
    return text


@pytest.fixture(name="said")
def _said() -> Any:
    """said(context, row): the decisions about a row."""
    return said


@pytest.fixture(name="inspection")
def _inspection() -> Any:
    """inspection(number, verdict, texts): a row."""
    return inspection


@pytest.fixture(name="decided")
def _decided() -> Any:
    """decided(row, number): a decision of Sato."""
    return decided


@pytest.fixture(name="texts")
def _texts() -> Any:
    """What stands in the rows, by language."""
    return TEXTS


@pytest.fixture(name="now")
def _now() -> Any:
    """When the window is opened."""
    return NOW
