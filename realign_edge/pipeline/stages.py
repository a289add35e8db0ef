"""The stages of `align`, each skipped when its inputs have not changed."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from realign_edge.errors import Interrupted, RealignError, UsageError
from realign_edge.evaluation.compare import Comparison, Decision, compare, decide
from realign_edge.evaluation.preference.answers import AnswerPair, has_answers, write_answers
from realign_edge.files import fingerprint, write_json
from realign_edge.glossary.language import LanguageChoice
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import describe_question
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import Collection
from realign_edge.pipeline.bundling import Bundled, bundled, job_of
from realign_edge.pipeline.config import AlignConfig
from realign_edge.pipeline.heed import Heeding
from realign_edge.preferences.build import BuildSummary, build_pairs
from realign_edge.preferences.builder import PairBuilder
from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.review.effect import apply_rulings, fits
from realign_edge.preferences.review.ruling import Ruling
from realign_edge.progress import Progress
from realign_edge.runs.control import Control
from realign_edge.runs.run import Run
from realign_edge.team import Team

if TYPE_CHECKING:
    from realign_edge.evaluation.evaluate import Answers, Exam

Stage = Literal["index", "pairs", "train", "evaluate", "export"]
STAGES: tuple[Stage, ...] = ("index", "pairs", "train", "evaluate", "export")
MIN_PAIRS = 4


@dataclass
class Outcome:
    """What an `align` call ends with; later parts are None where `until` stopped before them.

    judged: an evaluation was asked for; it is None where no held-out photo has a record; bundle: of pipeline/bundling;
    not_exported: why there is no bundle, where one was asked for.
    """

    run: Run
    collection: Collection
    glossary: Glossary
    language: LanguageChoice
    pairs: BuildSummary | None = None
    chosen_change: float | None = None
    judged: bool = False
    evaluation: dict[str, Any] | None = None
    bundle: Bundled | None = None
    not_exported: str = ""
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0


def _unheard(event: dict[str, Any]) -> None:
    """What a member that writes nothing does with an event."""


@dataclass
class Stages:
    """The work of one run. Only the first member of a team has a catalog, hears wishes and tells what happens."""

    config: AlignConfig
    home: Path
    progress: Progress
    outcome: Outcome
    team: Team
    catalog: Catalog | None = None
    tell: Callable[[dict[str, Any]], None] = _unheard
    control: Control | None = None
    rulings: Mapping[str, Ruling] = field(default_factory=dict)

    def run(self, last: int) -> None:
        """All stages up to number `last`.

        Raises:
            Interrupted: a stop was asked for between or in stages.
        """
        import torch

        # cuBLAS sums in a fixed order only with a workspace of fixed size, which it reads when it first starts.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # It would also fill every fresh tensor with NaN, to show who reads what nobody wrote: time for nothing.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        self._open_model()
        self.index()
        self._heed("indexing")
        if last >= STAGES.index("pairs"):
            self.pairs()
            self._heed("pair building")
        if last >= STAGES.index("train"):
            self.train()
            self._heed("training")
        # The first member evaluates alone, and the others end meanwhile.
        self.team.part()
        if last >= STAGES.index("evaluate") and self.team.first:
            self.evaluate()
        if last >= STAGES.index("export") and self.team.first:
            self._heed("the evaluation")
            self.export()

    def _open_model(self) -> None:
        from realign_edge.vlm.features import FeatureStore
        from realign_edge.vlm.load import load_vlm

        self._beat(stage="index", task="Loading the model")
        config, device = self.config, getattr(self.team, "device", self.config.device)
        self.vlm = load_vlm(
            config.model,
            quantization=config.alignment.quantization,
            device=device,
            photo_tokens=config.photo_tokens,
        )
        self.store = FeatureStore(self.home / "features", self.vlm, self.team)

    def index(self) -> None:
        """Vision features of every photo, and the index of those to train on."""
        shown = self._begin("index")
        new = self.store.ensure(self.outcome.collection.photos, shown)
        if not new:
            self.outcome.skipped.append("vision features")
        self.vlm.park_tower()
        # The first member writes the index, and the others find it there.
        if self.team.first:
            self.photo_index = self.open_index()
        self.team.wait()
        if not self.team.first:
            self.photo_index = self.open_index()
        self._end("index", unchanged=not new)

    def open_index(self) -> Any:
        """The index of the training photos, built where it is missing or old."""
        from realign_edge.retrieval.index import open_index

        shas = tuple(sorted(p.sha256 for p in self.outcome.collection.of("train")))
        pooling = self.config.retrieval.pooling
        about = (self.vlm.vision_fingerprint, pooling, str(self.outcome.collection.root))
        folder = self.home / "index" / fingerprint(*about)
        return open_index(folder, shas, self.store.vectors(shas, pooling), self.progress)

    def pairs(self) -> None:
        """Preference pairs of the training photos, as people want them where they looked at them.

        Raises:
            UsageError: too few came out to train on.
        """
        progress = self._begin("pairs")
        self.rulings = self.team.share(self.rulings)
        built = build_pairs(
            self.catalog, self.outcome.collection, self.builder(progress), progress, self._asked, self.team
        )
        reviewed = apply_rulings(built.pair_list, self.rulings)
        self.outcome.pairs = replace(built, pair_list=reviewed.pairs, changed=reviewed.changes)
        told = {"changed_by_review": dict(reviewed.changes)} if reviewed.changes else {}
        self.tell({"type": "pairs", "pairs": built.pairs, "without_note": built.without_note, **told})
        self._end("pairs")

    def builder(self, progress: Progress) -> PairBuilder:
        """What makes the pairs under this configuration."""
        from realign_edge.pipeline.teacher import teacher_answers
        from realign_edge.preferences.gate import SentenceGate, doubts

        config, train, language = self.config, self.outcome.collection.of("train"), self.outcome.language.language
        for doubt in doubts(config.pairs.encoder, language):
            progress.warn(doubt)
        taught = (
            teacher_answers(config, language, self.home, train, progress, self.team)
            if config.pairs.chosen == "teacher"
            else {}
        )
        return PairBuilder(
            self.vlm, self.store, self.photo_index, self.outcome.glossary, {p.sha256: p for p in train},
            config.pairs, config.retrieval, SentenceGate(config.pairs.encoder), language, taught, fits(self.rulings),
        )  # fmt: skip

    def train(self) -> None:
        """The adapter, and how the true notes fared.

        Raises:
            UsageError: there are too few pairs.
        """
        from realign_edge.alignment.loop import Uninterrupted, unseen
        from realign_edge.alignment.trainer import Workspace, align
        from realign_edge.pipeline.samples import sampled

        pairs, run = self._enough_pairs(), self.outcome.run
        inputs = fingerprint(self.vlm.fingerprint, [p.pair_id for p in pairs], asdict(self.config.alignment))
        done = run.finished_stage("train", inputs)
        if done is not None and (run.folder / "adapter" / "adapter_model.safetensors").exists():
            self.outcome.skipped.append("training")
            change = done["chosen_change"]
            self.outcome.chosen_change = float("nan") if change is None else float(change)
            self._end("train", unchanged=True)
            return
        progress, found = self._begin("train"), self.outcome
        shown = (found.collection, found.glossary, found.language.language, self.config.alignment)
        glimpse = sampled(self.vlm, self.store, *shown, self.tell) if self.team.first else unseen
        result = align(
            self.vlm, pairs, self.store, self.config.alignment, Workspace(run.folder, self.home / "references"),
            progress=progress, events=self._training_event, control=self.control or Uninterrupted(),
            team=self.team, glimpse=glimpse,
        )  # fmt: skip
        if self.team.first:
            about = {
                "chosen_change": result.chosen_change,
                "seconds": round(result.seconds, 1),
                "steps": result.steps,
                "planned": result.planned,
                "best_step": result.best_step,
            }
            run.finish_stage("train", inputs, about)
        self.outcome.chosen_change = result.chosen_change
        self._end("train")

    def _enough_pairs(self) -> tuple[PreferencePair, ...]:
        assert self.outcome.pairs is not None
        pairs = self.outcome.pairs.pair_list
        if len(pairs) < MIN_PAIRS:
            photos = len(self.outcome.collection.of("train"))
            raise UsageError(
                f"only {len(pairs)} preference pairs came out of {photos} training photos",
                "add photos or inspection records; `realign-edge pairs build` says why pairs were not made",
            )
        return pairs

    def _training_event(self, event: dict[str, Any]) -> None:
        self.tell(event)
        if event["type"] == "step":
            self._beat(stage="train", task="Training", unit="steps", done=event["step"], total=event["steps"])

    def evaluate(self) -> None:
        """Before and after on the held-out photos; nothing where none has a record to compare answers with."""
        from realign_edge.alignment.lora import eject, load_adapter
        from realign_edge.evaluation.evaluate import take_exam
        from realign_edge.pipeline.exam import exam_for

        outcome, run, settings = self.outcome, self.outcome.run, self.config.evaluation
        outcome.judged = True
        assert outcome.pairs is not None
        inputs = fingerprint(asdict(settings), [p.pair_id for p in outcome.pairs.pair_list], self.vlm.fingerprint)
        done = run.finished_stage("evaluate", inputs)
        # A run of an earlier version kept no answers, and the blind test needs them.
        if done is not None and has_answers(run.folder):
            outcome.skipped.append("evaluation")
            outcome.evaluation = done
            self._end("evaluate", unchanged=True)
            return
        progress = self._begin("evaluate")
        language = outcome.language.language
        exam = exam_for(settings, language, outcome.collection, outcome.glossary, self.vlm, self.store)
        if not exam.photos:
            self.progress.warn("not evaluated: no held-out photo has a record to compare answers with")
            self.tell({"type": "not_evaluated"})
            return
        before = take_exam(self.vlm, self.store, exam, progress, "Asking the model before")
        wrapped = load_adapter(self.vlm, run.folder / "adapter")
        try:
            after = take_exam(self.vlm, self.store, exam, progress, "Asking the model after")
        finally:
            eject(self.vlm, wrapped)
        write_answers(run.folder, describe_question(language), _answer_pairs(exam, before, after))
        comparison = compare(exam, before, after, settings)
        outcome.evaluation = evaluation_json(comparison, decide(comparison, settings))
        write_json(run.folder / "evaluation.json", outcome.evaluation)
        run.finish_stage("evaluate", inputs, outcome.evaluation)
        self.tell({"type": "evaluated", "decision": outcome.evaluation["decision"]})
        self._end("evaluate")

    def export(self) -> None:
        """The station bundle; a model that cannot be exported is told of, and what was learnt stays."""
        outcome = self.outcome
        job = job_of(self.config, outcome.run, outcome.collection, outcome.glossary)
        try:
            outcome.bundle = bundled(job, outcome.run, self.home, self._begin("export"))
        except (Interrupted, OSError):
            raise
        except RealignError as problem:
            outcome.not_exported = problem.message
            self.progress.warn(f"no bundle: {problem.message}")
            self.tell({"type": "not_exported", "reason": problem.message})
            return
        if not outcome.bundle.new:
            outcome.skipped.append("export")
        self.tell({"type": "exported", "bundle": outcome.bundle.manifest.id})
        self._end("export", unchanged=not outcome.bundle.new)

    def _begin(self, stage: Stage) -> Progress:
        """Progress that keeps the heartbeat and heeds wishes, where this member has a run to keep."""
        self.tell({"type": "stage", "stage": stage, "state": "begun"})
        self._beat(stage=stage)
        if self.control is None:
            return self.progress
        # Training writes a checkpoint before it stops or pauses.
        return Heeding(self.progress, self.outcome.run, stage, self.control, self.tell, by_itself="Training")

    def _end(self, stage: Stage, unchanged: bool = False) -> None:
        self.tell({"type": "stage", "stage": stage, "state": "unchanged" if unchanged else "done"})

    def _beat(self, **values: Any) -> None:
        if self.team.first:
            self.outcome.run.heartbeat(state="running", **values)

    def _asked(self) -> bool:
        """Is a stop wanted? Everybody hears the same."""
        return self.team.share(self.control() if self.control is not None else False)

    def _heed(self, after: str) -> None:
        if self._asked():
            raise Interrupted(f"stopped after {after}", "run the same command again to go on")


def _answer_pairs(exam: "Exam", before: "Answers", after: "Answers") -> list[AnswerPair]:
    said = zip(exam.photos, before.notes, after.notes, strict=True)
    return [AnswerPair(photo.sha256, photo.name, old, new) for photo, old, new in said]


def evaluation_json(comparison: Comparison, decision: Decision) -> dict[str, Any]:
    """What evaluation.json holds."""
    verdict = {"adopt": decision.adopt, "sentence": decision.sentence, "reasons": list(decision.reasons)}
    return {**comparison.to_json(), "decision": verdict}
