"""`align`: the stages in order, each skipped when its inputs have not changed, all of it resumable."""

import importlib.metadata
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from realign_edge import __version__
from realign_edge.config.load import to_toml
from realign_edge.errors import Interrupted, UsageError
from realign_edge.evaluation.compare import Comparison, Decision, compare, decide
from realign_edge.files import fingerprint, write_atomic, write_json
from realign_edge.glossary.derive import derive_glossary
from realign_edge.glossary.facts import facts_of
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.model import Glossary
from realign_edge.photos.catalog import Catalog, content_fingerprint
from realign_edge.photos.collection import Collection, open_collection
from realign_edge.photos.model import Photo
from realign_edge.pipeline.config import AlignConfig
from realign_edge.preferences.build import BuildSummary, build_pairs
from realign_edge.preferences.builder import PairBuilder
from realign_edge.preferences.model import PreferencePair
from realign_edge.progress import Progress
from realign_edge.runs.events import EventLog
from realign_edge.runs.run import Run, create_run, list_runs

Stage = Literal["index", "pairs", "train", "evaluate"]
STAGES: tuple[Stage, ...] = ("index", "pairs", "train", "evaluate")
MIN_PAIRS = 4


@dataclass
class Outcome:
    """What an `align` call ends with; later parts are None where `until` stopped before them."""

    run: Run
    collection: Collection
    glossary: Glossary
    pairs: BuildSummary | None = None
    chosen_change: float | None = None
    evaluation: dict[str, Any] | None = None
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Pipeline:
    """The shared things of one `align` call."""

    config: AlignConfig
    home: Path
    progress: Progress
    should_stop: Callable[[], bool]

    def run(self, photos: Path, until: Stage = "evaluate", resume: Run | None = None) -> Outcome:
        """Do everything up to `until`.

        Raises:
            RealignError: photos or model missing, settings wrong, work failed, or stopped on request.
        """
        began = time.monotonic()
        with Catalog(self.home / "catalog.sqlite") as catalog:
            collection = open_collection(catalog, photos, self.config.photos, self.progress)
            glossary = find_glossary(collection)
            run = self._run_for(collection, glossary, resume)
            outcome = Outcome(run, collection, glossary)
            log = EventLog(run.folder / "events.jsonl")
            try:
                log.append({"type": "started", "photos": len(collection.photos), "refused": len(collection.refused)})
                self._stages(catalog, outcome, log, STAGES.index(until))
                run.heartbeat(state="finished", stage=until)
                log.append({"type": "finished", "until": until})
            except Interrupted:
                run.heartbeat(state="stopped")
                log.append({"type": "stopped"})
                raise
            finally:
                log.close()
        outcome.seconds = time.monotonic() - began
        return outcome

    def _run_for(self, collection: Collection, glossary: Glossary, resume: Run | None) -> Run:
        """The run of exactly these inputs, finished or not, else a new one."""
        identity = fingerprint(
            asdict(self.config),
            str(collection.root),
            content_fingerprint(collection.photos),
            _plain(glossary),
            __version__,
        )
        if resume is not None:
            if resume.about.get("identity") != identity:
                raise UsageError(
                    f"run {resume.run_id} was made from other photos, records or settings",
                    "start without --resume: it goes on where the same inputs were left",
                )
            return resume
        for run in reversed(list_runs(self.home / "runs")):
            if run.about.get("identity") == identity:
                return run
        libraries = ("torch", "transformers", "peft", "hnswlib", "sentence-transformers")
        about = {
            "photos": str(collection.root),
            "model": self.config.model,
            "version": __version__,
            "libraries": {n: importlib.metadata.version(n) for n in libraries},
        }
        return create_run(self.home / "runs", identity, about, to_toml(self.config), datetime.now())

    def _stages(self, catalog: Catalog, outcome: Outcome, log: EventLog, last: int) -> None:
        import torch

        from realign_edge.vlm.features import FeatureStore
        from realign_edge.vlm.load import load_vlm

        torch.use_deterministic_algorithms(True, warn_only=True)
        run, collection, config = outcome.run, outcome.collection, self.config
        run.heartbeat(state="running", stage="index")
        vlm = load_vlm(config.model, quantization=config.alignment.quantization, device=config.device)
        store = FeatureStore(self.home / "features", vlm)
        if not store.ensure(collection.photos, self.progress):
            outcome.skipped.append("vision features")
        index = self._index(collection, vlm, store)
        self._check_stop("indexing")
        if last < STAGES.index("pairs"):
            return
        run.heartbeat(state="running", stage="pairs")
        outcome.pairs = self._pairs(catalog, collection, outcome.glossary, vlm, store, index)
        log.append({"type": "pairs", "pairs": outcome.pairs.pairs, "without_note": outcome.pairs.without_note})
        self._check_stop("pair building")
        if last < STAGES.index("train"):
            return
        pairs = outcome.pairs.pair_list
        if len(pairs) < MIN_PAIRS:
            raise UsageError(
                f"only {len(pairs)} preference pairs came out of {len(collection.of('train'))} training photos",
                "add photos or inspection records; `realign-edge pairs build` says why pairs were not made",
            )
        run.heartbeat(state="running", stage="train")
        outcome.chosen_change = self._train(run, vlm, store, pairs, log, outcome.skipped)
        self._check_stop("training")
        if last < STAGES.index("evaluate"):
            return
        run.heartbeat(state="running", stage="evaluate")
        outcome.evaluation = self._evaluate(run, collection, outcome.glossary, vlm, store, pairs, outcome.skipped)
        log.append({"type": "evaluated", "decision": (outcome.evaluation or {}).get("decision")})

    def _index(self, collection: Collection, vlm: Any, store: Any) -> Any:
        from realign_edge.retrieval.index import open_index

        shas = tuple(sorted(p.sha256 for p in collection.of("train")))
        folder = (
            self.home
            / "index"
            / fingerprint(vlm.vision_fingerprint, self.config.retrieval.pooling, str(collection.root))
        )
        return open_index(folder, shas, store.vectors(shas, self.config.retrieval.pooling), self.progress)

    def _pairs(
        self, catalog: Catalog, collection: Collection, glossary: Glossary, vlm: Any, store: Any, index: Any
    ) -> BuildSummary:
        from realign_edge.preferences.gate import SentenceGate

        train = collection.of("train")
        builder = PairBuilder(
            vlm,
            store,
            index,
            glossary,
            {p.sha256: p for p in train},
            self.config.pairs,
            self.config.retrieval,
            SentenceGate(self.config.pairs.encoder),
            self.config.language,
            self._teacher_answers(train) if self.config.pairs.chosen == "teacher" else {},
        )
        return build_pairs(catalog, collection, builder, self.progress, self.should_stop)

    def _teacher_answers(self, photos: Sequence[Photo]) -> dict[str, str]:
        """Notes of the stronger model; kept as text, so that it is loaded once."""
        from realign_edge.glossary.questions import describe_question
        from realign_edge.photos.decode import read_photo
        from realign_edge.vlm.generate import generate
        from realign_edge.vlm.load import load_vlm

        teacher = load_vlm(self.config.pairs.teacher, device=self.config.device)
        question = describe_question(self.config.language)
        folder = self.home / "teacher" / fingerprint(teacher.fingerprint, question)
        folder.mkdir(parents=True, exist_ok=True)
        self.progress.start("Asking the teacher", len(photos))
        answers = {}
        for done, photo in enumerate(photos, 1):
            file = folder / f"{photo.sha256}.txt"
            if not file.exists():
                features = teacher.encode_photos([read_photo(photo.path)]).image_features
                write_atomic(file, generate(teacher, features, [question])[0])
            answers[photo.sha256] = file.read_text(encoding="utf-8")
            self.progress.advance(done)
        self.progress.finish()
        return answers

    def _train(
        self,
        run: Run,
        vlm: Any,
        store: Any,
        pairs: tuple[PreferencePair, ...],
        log: EventLog,
        skipped: list[str],
    ) -> float:
        from realign_edge.alignment.trainer import Workspace, align

        inputs = fingerprint(vlm.fingerprint, [p.pair_id for p in pairs], asdict(self.config.alignment))
        done = run.finished_stage("train", inputs)
        if done is not None and (run.folder / "adapter" / "adapter_model.safetensors").exists():
            skipped.append("training")
            return float("nan") if done["chosen_change"] is None else float(done["chosen_change"])

        def events(event: dict[str, Any]) -> None:
            log.append(event)
            if event["type"] == "step":
                run.heartbeat(state="running", stage="train", done=event["step"], total=event["steps"])

        workspace = Workspace(run.folder, self.home / "references")
        result = align(
            vlm, pairs, store, self.config.alignment, workspace,
            progress=self.progress, events=events, should_stop=self._stop_asked(run),
        )  # fmt: skip
        run.finish_stage("train", inputs, {"chosen_change": result.chosen_change, "seconds": round(result.seconds, 1)})
        return result.chosen_change

    def _stop_asked(self, run: Run) -> Callable[[], bool]:
        def asked() -> bool:
            if run.requested("stop"):
                run.clear("stop")
                return True
            while run.requested("pause") and not self.should_stop():
                run.heartbeat(state="paused", stage="train")
                time.sleep(0.5)
            return self.should_stop()

        return asked

    def _evaluate(
        self,
        run: Run,
        collection: Collection,
        glossary: Glossary,
        vlm: Any,
        store: Any,
        pairs: tuple[PreferencePair, ...],
        skipped: list[str],
    ) -> dict[str, Any] | None:
        """evaluation.json as a value; None where no held-out photo has a record to compare answers with."""
        from realign_edge.alignment.lora import eject, load_adapter
        from realign_edge.evaluation.evaluate import take_exam

        inputs = fingerprint(asdict(self.config.evaluation), [p.pair_id for p in pairs], vlm.fingerprint)
        done = run.finished_stage("evaluate", inputs)
        if done is not None:
            skipped.append("evaluation")
            return done
        exam = self._exam(collection, glossary, vlm, store)
        if not exam.photos:
            self.progress.warn("not evaluated: no held-out photo has a record to compare answers with")
            return None
        before = take_exam(vlm, store, exam, self.progress, "Asking the model before")
        wrapped = load_adapter(vlm, run.folder / "adapter")
        try:
            after = take_exam(vlm, store, exam, self.progress, "Asking the model after")
        finally:
            eject(vlm, wrapped)
        comparison = compare(exam, before, after, self.config.evaluation)
        value = evaluation_json(comparison, decide(comparison, self.config.evaluation))
        write_json(run.folder / "evaluation.json", value)
        run.finish_stage("evaluate", inputs, value)
        return value

    def _exam(self, collection: Collection, glossary: Glossary, vlm: Any, store: Any) -> Any:
        """Held-out photos, and as adversarial probes the defects that the base model itself claims by habit.

        The habits are read from the base model's answers about *training* photos: taken from the
        held-out answers, the probes would be picked for being wrong there.
        """
        from realign_edge.evaluation.evaluate import build_exam
        from realign_edge.evaluation.pope import habits_of
        from realign_edge.glossary.facts import Facts
        from realign_edge.glossary.findings import find_findings
        from realign_edge.glossary.questions import describe_question
        from realign_edge.vlm.generate import generate

        settings, language = self.config.evaluation, self.config.language
        facts = {p.sha256: facts_of(p.record, glossary) for p in collection.photos}
        known = [p for p in collection.of("train") if facts[p.sha256] is not None][: settings.habit_photos]
        notes = (
            generate(
                vlm,
                store.image_features([p.sha256 for p in known]),
                [describe_question(language)] * len(known),
            )
            if known
            else []
        )
        claimed = [
            Facts(facts[p.sha256].part, {f.defect: f.location for f in find_findings(n, glossary)}, frozenset())  # type: ignore[union-attr]
            for p, n in zip(known, notes, strict=True)
        ]
        held_out = collection.of("held_out")[: settings.max_photos]
        return build_exam(held_out, facts, glossary, habits_of(claimed), settings.seed, language)

    def _check_stop(self, after: str) -> None:
        if self.should_stop():
            raise Interrupted(f"stopped after {after}", "run the same command again to go on")


def find_glossary(collection: Collection) -> Glossary:
    """glossary.toml of the photo folder, else one derived from the records."""
    path = collection.root / "glossary.toml"
    if path.is_file():
        return load_glossary(path)
    return derive_glossary(p.record for p in collection.photos if p.record is not None)


def evaluation_json(comparison: Comparison, decision: Decision) -> dict[str, Any]:
    """What evaluation.json holds."""
    verdict = {"adopt": decision.adopt, "sentence": decision.sentence, "reasons": list(decision.reasons)}
    return {**comparison.to_json(), "decision": verdict}


def _plain(glossary: Glossary) -> list[Any]:
    return [[t.term, t.category, t.kind, list(t.en), list(t.ja)] for t in glossary.terms]
