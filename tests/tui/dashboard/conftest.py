"""Views of a run that was recorded, as a window gets them: the curves are its own, the rest is set for a screen."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.worker import WorkerCancelled, WorkerFailed

from realign_edge.monitoring.model import (
    Answer,
    Condition,
    Curve,
    CurveName,
    Gpu,
    Machine,
    News,
    Piece,
    RunView,
    SampleView,
    StageView,
    Told,
    Unit,
    Warned,
)
from realign_edge.monitoring.words import duration, known, told
from tui import rooms
from tui.context import Context, Language, WindowOptions
from tui.dashboard.window import DashboardWindow

RECORDED = Path(__file__).with_name("recorded")
# Thursday, 26 November 2026, 14:20:05 in the zone that the tests set.
NOW = 1795702805.0
RUN = "20261126-141847-0ebb"
_CURVES: tuple[tuple[CurveName, Unit], ...] = (
    ("loss", "none"),
    ("text_margin", "nats"),
    ("visual_margin", "nats"),
    ("text_accuracy", "share"),
    ("visual_accuracy", "share"),
    ("chosen_change", "nats"),
    ("pairs_per_s", "per_second"),
    ("memory_gib", "gib"),
)
PAIRS = Told("pairs", "ペア")


class Fixed:
    """Shows what it was given; the samples turn."""

    def __init__(self, view: RunView) -> None:
        self.view, self.stepped = view, 0

    def look(self, now: float) -> RunView:  # noqa: ARG002
        return self.view

    def step_sample(self, by: int = 1) -> None:
        self.stepped += by
        sample = self.view.sample
        if sample is not None:
            self.view = replace(self.view, sample=replace(sample, number=sample.number + by))


def curves(last: int) -> tuple[Curve, ...]:
    """As they were recorded, up to a step."""
    events = [json.loads(line) for line in (RECORDED / "events.jsonl").read_text().splitlines()]
    made = []
    for name, unit in _CURVES:
        points = {
            kind: tuple((float(e["step"]), float(e[name])) for e in events if e["type"] == kind and e["step"] <= last)
            for kind in ("step", "held_out")
            if name not in ("pairs_per_s", "memory_gib") or kind == "step"
        }
        training, held_out = points["step"], points.get("held_out", ())
        made.append(Curve(name, Told(name, name), unit, training, held_out, training[-1][1]))
    return tuple(made)


def stages(training: str = "running", done: int = 42) -> tuple[StageView, ...]:
    """Two are done; the third is in the given state."""
    state: Any = training
    going = state == "running"
    rest: Any = "done" if state == "done" else "waiting"
    return (
        StageView("index", Told("Photos", "写真"), "done", 240, 240, Told("photos", "枚"), took_s=6.2),
        StageView("pairs", Told("Pairs", "ペア"), "done", 163, 163, Told("photos", "枚"), took_s=13.4),
        StageView(
            "train",
            Told("Training", "学習"),
            state,
            done,
            60,
            Told("steps", "ステップ"),
            rate=0.64 if going else None,
            seconds_left=28.0 if going else None,
            ends_at=NOW + 28 if going else None,
            took_s=66.0,
        ),
        StageView("evaluate", Told("Evaluation", "評価"), rest, took_s=11.0 if state == "done" else None),
        StageView("export", Told("Export", "出力"), rest, took_s=19.8 if state == "done" else None),
    )


MACHINE = Machine(0.82, 2, 3.14, 21.2, 0.9, None, 31.4, 120.0)
GPU = Gpu("NVIDIA H100 80GB HBM3", 0.97, 61.2, 79.6, 64.0, 612.0, 700.0)
SAMPLE = SampleView(
    40,
    None,
    "L2614-004_2.jpg",
    "Describe the part in the photo for the inspection record.",
    "Cooling fins, blackened, on the wood. Burr at the left side, scratch at the center.",
    Answer(
        (
            Piece("Checked black oxide heat sink on the wooden bench. "),
            Piece("Chip", "absent"),
            Piece(" at the left side, scratch at the center, "),
            Piece("heat tint", "absent"),
            Piece(" at the lower left."),
        ),
        ("chip", "heat tint"),
        ("burr",),
    ),
    Answer((Piece("Heat sink, black oxide, on the wooden bench. Burr at the left side, scratch at the center."),)),
    1,
    4,
)
NEWS = (
    News(NOW - 78, told("news.started", photos=240)),
    News(NOW - 59, told("news.pairs", pairs=574)),
    News(NOW - 58, told("news.plan", gib="1.0")),
    *(News(NOW - 50 + 15 * n, told("news.checkpoint", step=10 * (n + 1))) for n in range(4)),
)
WELL = RunView(
    RUN,
    NOW,
    "running",
    Condition("ok", "well_left", told("condition.well_left", task=known("task", "Training"), left=duration(28))),
    stages(),
    curves=curves(42),
    photos="/srv/photos/floor",
    model="nano",
    step=42,
    steps=60,
    pairs_per_s=20.4,
    tokens_per_s=4512.0,
    machine=MACHINE,
    checkpoint_step=40,
    checkpoint_age_s=4.0,
    news_age_s=1.2,
    sample=SAMPLE,
    news=NEWS,
)
QUIET = replace(
    WELL,
    condition=Condition("attention", "silent", told("condition.silent", age=duration(41)), told("condition.silent_do")),
    warnings=(
        Warned("disk_low", True, told("condition.disk_low", free="0.8")),
        Warned("chosen_falling", True, told("condition.chosen_falling", nats="-1.2"), NOW - 20),
        Warned(
            "warning",
            False,
            Told("memory ran out once; the batch was halved", "memory ran out once; the batch was halved"),
            NOW - 300,
        ),
    ),
    news_age_s=41.0,
    checkpoint_age_s=43.0,
    machine=replace(MACHINE, disk_free_gib=0.8, gpus=(GPU,)),
)
DONE = replace(
    WELL,
    state="finished",
    condition=Condition(
        "done", "adopted", told("condition.adopted", before="12 %", after="6 %", n=77), told("condition.adopted_do")
    ),
    stages=stages("done", 60),
    curves=curves(60),
    step=60,
    pairs_per_s=None,
    tokens_per_s=None,
    checkpoint_step=60,
    checkpoint_age_s=3720.0,
    news_age_s=3690.0,
)
FAILED = replace(
    WELL,
    state="failed",
    condition=Condition(
        "stopped",
        "failed",
        told("condition.failed", error="the disk is full"),
        told("condition.failed_do", hint="make room, then run the same command again: it goes on at step 40"),
    ),
    stages=stages("failed"),
    pairs_per_s=None,
    tokens_per_s=None,
    checkpoint_age_s=7300.0,
    news_age_s=7296.0,
    sample=None,
    log=("Training: 60 steps of 32 pairs", "error: the disk is full", "hint: make room and start again"),
    problems=(told("problem.lines", n=1),),
)
BEGINNING = replace(
    WELL,
    condition=Condition(
        "ok", "well_left", told("condition.well_left", task=known("task", "Reading photos"), left=duration(4))
    ),
    stages=(
        replace(stages()[0], state="running", done=96, rate=38.2, seconds_left=3.8, ends_at=NOW + 4),
        *(StageView(s.name, s.title, "waiting") for s in stages()[1:]),
    ),
    curves=(),
    step=0,
    steps=0,
    pairs_per_s=None,
    tokens_per_s=None,
    checkpoint_step=None,
    checkpoint_age_s=None,
    sample=None,
    news=NEWS[:1],
)
REPLAYED = replace(WELL, replay=20.0)
VIEWS = {"well": WELL, "attention": QUIET, "done": DONE, "failed": FAILED, "beginning": BEGINNING, "replay": REPLAYED}


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of day are the same on every machine."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def settled() -> Callable[..., Any]:
    """await settled(pilot): looks and photos that are under way have come."""

    async def wait(pilot: Any) -> None:
        for _ in range(3):
            # A look that has told all may be cancelled by the next one; one that broke is what a test is about.
            with suppress(WorkerCancelled, WorkerFailed):
                await pilot.app.workers.wait_for_complete()
            await pilot.pause()

    return wait


@pytest.fixture
def views() -> dict[str, RunView]:
    """Every state that screens are held to."""
    return VIEWS


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[Any, Fixed]]:
    """shown(view, language): an application on this view, and what it looks at."""

    def make(view: RunView, language: Language = "en", image_mode: Any = "none") -> tuple[Any, Fixed]:
        from tui.app import RealignApp

        source = Fixed(view)
        monkeypatch.setattr(rooms.Room, "open", lambda room, context: DashboardWindow(context, lambda _: source))
        options = WindowOptions(language, image_mode=image_mode, person="tester")
        return RealignApp(Context(tmp_path, options=options, now=lambda: NOW), "dashboard"), source

    return make
