"""What an alignment report holds, before it takes one of its four forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from realign_edge.evaluation.preference.result import PreferenceResult

# A text as pieces, each with whether it differs from the text beside it.
Marked = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Data:
    """The photos of a run. train, held_out, recorded (photos with a record) and lots are None where unknown.

    refused_count: files that could not be read; refused: their names and reasons, as far as they are known.
    """

    folder: str
    photos: int
    refused_count: int
    train: int | None = None
    held_out: int | None = None
    recorded: int | None = None
    lots: int | None = None
    split: str = ""
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PairExample:
    """One pair: file names, hashes and paths of photo and neighbour ("" and None without one), and its texts."""

    kind: str
    photo: str
    photo_sha256: str
    photo_path: Path
    neighbour: str
    neighbour_sha256: str
    neighbour_path: Path | None
    similarity: float
    prompt: str
    masked: str
    chosen: Marked
    rejected: Marked


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs by kind, photos without a description pair and neighbours passed over by reason, and examples."""

    counts: Mapping[str, int]
    without: Mapping[str, int]
    passed_over: Mapping[str, int]
    examples: tuple[PairExample, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """A quantity over training steps, (step, value), on the training pairs and on held-out pairs."""

    train: tuple[tuple[float, float], ...]
    held_out: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Training:
    """curves by the name of their field in events.jsonl; best_step and seconds are None where unknown."""

    curves: Mapping[str, Curve]
    steps: int
    best_step: int | None = None
    ended_early: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share in [0, 1], or a difference of two, with its 95 % interval; NaN where nothing was counted."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure before and after."""

    metric: str
    before: Estimate
    after: Estimate
    difference: Estimate
    lower_is_better: bool

    @property
    def outcome(self) -> str:
        """better, worse, or same where the interval of the difference holds zero (or there is none)."""
        d = self.difference
        if not (d.low > 0 or d.high < 0):
            return "same"
        return "better" if (d.high < 0) == self.lower_is_better else "worse"


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A photo whose description changed."""

    photo: str
    record: str
    before: Marked
    after: Marked


@dataclass(frozen=True, slots=True)
class Result:
    """The comparison on held-out photos, and the decision: adopt, its sentence as the run wrote it, its reasons."""

    photos: int
    figures: tuple[FigureChange, ...]
    mcnemar: Mapping[str, float]
    answers: tuple[AnswerChange, ...]
    adopt: bool
    sentence: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class AlignmentReport:
    """All of it; texts cleaned. settings, libraries: name to value; hashes: of the run's files and inputs.

    preference: the blind preference test, None where nobody has chosen; changed_by_review: pairs by kind of change.
    """

    number: str
    title: str
    site: str
    made_at: datetime
    run_id: str
    created: str
    state: str
    model: str
    version: str
    data: Data
    pairs: Pairs
    training: Training
    result: Result | None
    judged: bool
    preference: PreferenceResult | None = None
    changed_by_review: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    libraries: Mapping[str, str] = field(default_factory=dict, repr=False)
    hashes: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def zone(self) -> tzinfo:
        """The time zone that the report is written in."""
        return self.made_at.tzinfo or UTC
