"""What one look at a run finds: frozen, bounded, and every sentence in both languages. None = nobody knows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from realign_edge.language import Language

Level = Literal["ok", "attention", "stopped", "done"]
StageName = Literal["index", "pairs", "train", "evaluate", "export"]
StageState = Literal["waiting", "running", "paused", "stopped", "failed", "done", "unchanged", "left_out"]
CurveName = Literal[
    "loss",
    "text_margin",
    "visual_margin",
    "text_accuracy",
    "visual_accuracy",
    "chosen_change",
    "pairs_per_s",
    "memory_gib",
]
Unit = Literal["nats", "share", "per_second", "gib", "none"]
Mark = Literal["", "absent"]
Point = tuple[float, float]
# A curve never has more points than this, however long the run.
MOST_POINTS = 2000


@dataclass(frozen=True, slots=True)
class Told:
    """The same words in both languages."""

    en: str
    ja: str

    def of(self, language: Language) -> str:
        """In one of them."""
        return self.ja if language == "ja" else self.en

    def __bool__(self) -> bool:
        return bool(self.en)


NOTHING = Told("", "")


@dataclass(frozen=True, slots=True)
class Condition:
    """Is all well? One sentence, and what to do (empty where there is nothing to do).

    rule: the name of the rule that spoke (monitoring/condition.py); asked: a stop or a pause that was asked for and
    has not come yet.
    """

    level: Level
    rule: str
    sentence: Told
    advice: Told = NOTHING
    asked: Literal["", "stop", "pause"] = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to know that is not the status sentence itself. serious: it endangers the result or the run.

    time: seconds since the epoch, None where it holds now.
    """

    rule: str
    serious: bool
    words: Told
    time: float | None = None


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage. done of total `unit`s (total 0: nobody knows how many); rate in units per second.

    task: what it does now; seconds_left and ends_at (seconds since the epoch) of the task; took_s: how long the stage
    took, or has been going on.
    """

    name: StageName
    title: Told
    state: StageState
    done: int = 0
    total: int = 0
    unit: Told = NOTHING
    task: Told = NOTHING
    rate: float | None = None
    seconds_left: float | None = None
    ends_at: float | None = None
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over training steps: points (step, value), at most MOST_POINTS, lowest and highest values kept.

    held_out: the same figure of the held-out pairs, where it was looked at. Shares are in [0, 1].
    """

    name: CurveName
    title: Told
    unit: Unit
    points: tuple[Point, ...] = ()
    held_out: tuple[Point, ...] = ()
    last: float | None = None
    last_held_out: float | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as its driver tells. share: of the time it was busy, in [0, 1]."""

    name: str
    share: float | None = None
    memory_used_gib: float | None = None
    memory_total_gib: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine now. cpu_share: of all cores, in [0, 1]; process_gib: what the run's process holds in memory;
    disk_*: of the disk that the run lies on."""

    cpu_share: float | None = None
    cores: int | None = None
    memory_used_gib: float | None = None
    memory_total_gib: float | None = None
    process_gib: float | None = None
    temperature_c: float | None = None
    disk_free_gib: float | None = None
    disk_total_gib: float | None = None
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer. mark `absent`: it names what the photo's record does not have."""

    text: str
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said. Joined, the pieces are its words; absent: terms that it names and the record has not;
    missed: defects of the record that it does not name."""

    pieces: tuple[Piece, ...]
    absent: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class SampleView:
    """One held-out photo, asked before alignment and at a step. photo: None where it is no longer there.

    number of count: which of the samples that can be stepped through; record: what the inspection record says.
    """

    step: int
    photo: Path | None
    name: str
    question: str
    record: str
    before: Answer
    now: Answer
    number: int = 1
    count: int = 1


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened, in a line. time: seconds since the epoch."""

    time: float
    words: Told


@dataclass(frozen=True, slots=True)
class RunView:
    """One look at a run.

    time: the moment that is shown, seconds since the epoch (of the past in a replay); state: running, paused, stopped,
    finished, failed, interrupted, unknown, gone; warnings: worst first; curves: those that the run has values for;
    news: newest last, at most some hundreds; log: the last lines of the run's log file, of a detached run alone;
    replay: how many times faster than it was, None for the present; replayed: the replay is at its end.
    """

    run_id: str
    time: float
    state: str
    condition: Condition
    stages: tuple[StageView, ...]
    warnings: tuple[Warned, ...] = ()
    curves: tuple[Curve, ...] = ()
    photos: str = ""
    model: str = ""
    step: int = 0
    steps: int = 0
    pairs_per_s: float | None = None
    tokens_per_s: float | None = None
    machine: Machine | None = None
    checkpoint_step: int | None = None
    checkpoint_age_s: float | None = None
    news_age_s: float | None = None
    sample: SampleView | None = None
    news: tuple[News, ...] = ()
    log: tuple[str, ...] = ()
    problems: tuple[Told, ...] = ()
    replay: float | None = None
    replayed: bool = False

    def curve(self, name: CurveName) -> Curve | None:
        """A curve by its name, None where the run has none."""
        return next((c for c in self.curves if c.name == name), None)

    @property
    def stage(self) -> StageView | None:
        """The stage that is worked on, or was last."""
        begun = [s for s in self.stages if s.state not in ("waiting", "left_out")]
        return begun[-1] if begun else None


class Looking(Protocol):
    """What a window asks for: `Watcher` on the present, `Replay` on the past."""

    def look(self, now: float) -> RunView:
        """All that is known; now: seconds since the epoch. Never raises for what a run's files are like."""
        ...

    def step_sample(self, by: int = 1) -> None:
        """Show another of the last samples from the next look on."""
        ...
