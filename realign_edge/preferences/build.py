"""Pair building: for every training photo a true note, a masked copy, and what the model makes of it elsewhere."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import torch
from torch import Tensor

from realign_edge.errors import Interrupted
from realign_edge.files import fingerprint
from realign_edge.glossary.facts import Facts, facts_of
from realign_edge.glossary.findings import find_findings, find_terms
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language, describe_question
from realign_edge.photos.catalog import Catalog, content_fingerprint
from realign_edge.photos.collection import Collection
from realign_edge.photos.model import Photo
from realign_edge.preferences.gate import SentenceGate
from realign_edge.preferences.infill import complete_by_prompt, infill, slot_phrases
from realign_edge.preferences.masking import (
    Segment,
    mask_by_glossary,
    mask_by_grounding,
    mask_by_model,
    masked_text,
)
from realign_edge.preferences.model import ChosenSource, Masking, PreferencePair, Provenance
from realign_edge.preferences.questions import QuestionMaker
from realign_edge.preferences.settings import PairSettings
from realign_edge.progress import Progress
from realign_edge.retrieval.index import PhotoIndex
from realign_edge.retrieval.policy import Candidate, RetrievalSettings, choose_references
from realign_edge.vlm.branches import Branch, branch_logps, pack
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm

_TOGETHER = 16


@dataclass(frozen=True)
class BuildSummary:
    """What came out: pairs by kind, photos without a note pair by reason, refused neighbours by reason."""

    settings: str
    photos: int
    pairs: dict[str, int]
    without_note: dict[str, int]
    neighbours_refused: dict[str, int]
    pair_list: tuple[PreferencePair, ...] = field(repr=False, default=())


@dataclass
class PairBuilder:
    """Everything that pair building looks at. Each photo is worked on alone, so its pairs depend on nothing else."""

    vlm: Vlm
    store: FeatureStore
    index: PhotoIndex
    glossary: Glossary
    photos: Mapping[str, Photo]
    settings: PairSettings
    retrieval: RetrievalSettings
    gate: SentenceGate
    language: Language = "en"
    teacher_answers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts = {sha: facts_of(p.record, self.glossary) for sha, p in self.photos.items()}
        self.phrases = slot_phrases(self.glossary, self.language == "ja")
        self.kinds = {form.lower(): f"{t.category}:{t.kind}" for t in self.glossary.terms if t.kind for form in t.forms}
        names = (list(self.glossary.names("defect")), list(self.glossary.names("location")))
        self.questions = QuestionMaker(self.vlm, *names, self.language)
        features = self.store.image_features(sorted(self.photos))
        self.blank = features.mean(dim=0)
        self.made_by = fingerprint(self.vlm.fingerprint, asdict(self.settings), asdict(self.retrieval))

    def build(self, photo: Photo) -> tuple[list[PreferencePair], dict[str, int]]:
        """Pairs of one photo, and what was turned down: reasons with counts."""
        reasons: Counter[str] = Counter()
        neighbours = self.index.neighbours(photo.sha256, self.retrieval.neighbours)
        usable, refused = choose_references(photo, neighbours, self.photos, self.retrieval, self._same_content)
        reasons.update(f"neighbour: {c.reason}" for c in refused)
        note, why = self._note_pair(photo, usable, reasons)
        if note is None:
            reasons[f"note: {why}"] += 1
        return ([note] if note else []) + self._question_pairs(photo, neighbours), dict(reasons)

    def _question_pairs(self, photo: Photo, neighbours: Sequence[tuple[str, float]]) -> list[PreferencePair]:
        facts = self.facts[photo.sha256]
        if facts is None or photo.record is None or not (photo.record.known_defects or facts.defects):
            return []

        def find(wanted: Callable[[Facts], bool]) -> tuple[str, float]:
            for sha, similarity in neighbours:
                other = self.facts[sha]
                if similarity <= self.retrieval.max_similarity and other is not None and wanted(other):
                    return sha, round(similarity, 6)
            return "", 0.0

        features = self.store.image_features([photo.sha256])[0]
        asked = (self.settings.yes_no_questions, self.settings.where_questions)
        return self.questions.pairs(photo.sha256, facts, features, find, *asked, self.made_by)

    def _note_pair(
        self, photo: Photo, usable: Sequence[Candidate], reasons: Counter[str]
    ) -> tuple[PreferencePair | None, str]:
        question = describe_question(self.language)
        features = self.store.image_features([photo.sha256])[0]
        chosen, source = self._chosen(photo, question, features)
        if not chosen:
            return None, "no note"
        segments, masking = self._mask(question, chosen, features)
        if not any(s.slot for s in segments):
            return None, "nothing to mask"
        if not usable:
            return None, "no usable neighbour"
        for candidate in usable:
            pair, why = self._try(photo, candidate, question, chosen, segments, features)
            if pair is not None:
                how = replace(pair.provenance, source=source, masking=masking)
                return replace(pair, provenance=how), ""
            reasons[f"tried: {why}"] += 1
        return None, "every neighbour was turned down"

    def _try(
        self,
        photo: Photo,
        candidate: Candidate,
        question: str,
        chosen: str,
        segments: Sequence[Segment],
        features: Tensor,
    ) -> tuple[PreferencePair | None, str]:
        other = self.store.image_features([candidate.photo.sha256])[0]
        gap = self._reference_gap(question, chosen, features, other)
        if gap < self.settings.min_reference_gap:
            return None, "the retrieved photo fits the note as well"
        if self.settings.completion == "infill":
            rejected = infill(self.vlm, question, segments, other, self.phrases, self.kinds)
        else:
            rejected = complete_by_prompt(self.vlm, segments, other)
        if not rejected.strip() or self._still_true(photo, chosen, rejected):
            return None, "the completion is still true"
        similarity = self.gate.similarity(chosen, rejected)
        if similarity >= self.settings.max_text_similarity:
            return None, "the completion is too close to the note"
        provenance = Provenance(
            source="record",
            completion=self.settings.completion,
            masked=masked_text(segments),
            rank=candidate.rank,
            photo_similarity=round(candidate.similarity, 6),
            text_similarity=similarity,
            reference_gap=gap,
            model=self.made_by,
        )
        return PreferencePair(photo.sha256, candidate.photo.sha256, question, chosen, rejected, "note", provenance), ""

    def _chosen(self, photo: Photo, question: str, features: Tensor) -> tuple[str, ChosenSource]:
        """The true note, "" where there is none, and where it is from."""
        recorded = photo.record.note if photo.record is not None else ""
        if self.settings.chosen == "record" or (self.settings.chosen == "auto" and recorded):
            return recorded, "record"
        if self.settings.chosen == "teacher":
            return self.teacher_answers.get(photo.sha256, ""), "teacher"
        return generate(self.vlm, features.unsqueeze(0), [question])[0], "model"

    def _mask(self, question: str, note: str, features: Tensor) -> tuple[tuple[Segment, ...], Masking]:
        """The note in segments, and how they were found."""
        if self.settings.masking == "model":
            return mask_by_model(self.vlm, note, features) or (), "model"
        if self.settings.masking == "glossary":
            segments = mask_by_glossary(note, self.glossary)
            if any(s.slot for s in segments):
                return segments, "glossary"
        drop = self.settings.grounding_drop
        return mask_by_grounding(self.vlm, question, note, features, self.blank, drop), "grounding"

    @torch.no_grad()
    def _reference_gap(self, question: str, chosen: str, features: Tensor, other: Tensor) -> float:
        """log pi_0(y_w|v) - log pi_0(y_w|v_l), in nats."""
        prompt, answer = self.vlm.prompt_ids(question), Branch(self.vlm.answer_ids(question, chosen))
        logps = branch_logps(self.vlm, pack([prompt, prompt], [[answer], [answer]]), torch.stack([features, other]))
        return round(float(logps[0] - logps[1]), 4)

    def _still_true(self, photo: Photo, chosen: str, rejected: str) -> bool:
        """Does the completion state just what the record (or else the note) states?"""
        truth = self.facts[photo.sha256]
        said = {f.defect: f.location for f in find_findings(rejected, self.glossary)}
        parts = set(find_terms(rejected, self.glossary, "part"))
        attributes = set(find_terms(rejected, self.glossary, "attribute"))
        if truth is None:
            return rejected == chosen
        known = (
            {f.defect: f.location for f in find_findings(chosen, self.glossary)} if not truth.defects else truth.defects
        )
        return said == dict(known) and parts <= {truth.part} and attributes <= truth.attributes

    def _same_content(self, a: Photo, b: Photo) -> bool:
        ours, theirs = self.facts[a.sha256], self.facts[b.sha256]
        if ours is None or theirs is None or not (ours.part or ours.defects):
            return False
        return ours.part == theirs.part and ours.defects == theirs.defects and ours.attributes == theirs.attributes


def build_pairs(
    catalog: Catalog,
    collection: Collection,
    builder: PairBuilder,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> BuildSummary:
    """Build the pairs of every training photo that has none under these settings, and store them as they come.

    Raises:
        Interrupted: `should_stop()` said so; what is stored stays, and the next call goes on from there.
    """
    settings = fingerprint(builder.made_by, content_fingerprint(collection.photos), builder.language)
    photos = collection.of("train")
    attempted = catalog.attempted(collection.root, settings)
    todo = [p for p in photos if p.sha256 not in attempted]
    if todo:
        progress.start("Building pairs", len(photos))
    for start in range(0, len(todo), _TOGETHER):
        rows = []
        for photo in todo[start : start + _TOGETHER]:
            pairs, reasons = builder.build(photo)
            stamped = [replace(p, provenance=replace(p.provenance, settings=settings)) for p in pairs]
            rows.append((photo.sha256, reasons, [p.to_json() for p in stamped]))
        catalog.store_attempts(collection.root, settings, rows)
        progress.advance(len(photos) - len(todo) + start + len(rows))
        if should_stop():
            raise Interrupted("pair building was stopped", "run the same command again to go on")
    summary = summarise(catalog, collection, settings)
    if todo:
        progress.finish(f"{sum(summary.pairs.values())} pairs")
    return summary


def summarise(catalog: Catalog, collection: Collection, settings: str) -> BuildSummary:
    """What is stored for this folder under these settings."""
    pairs = tuple(PreferencePair.from_json(value) for value in catalog.pairs(collection.root, settings))
    reasons: Counter[str] = Counter()
    for found in catalog.attempted(collection.root, settings).values():
        reasons.update(found)

    def _with(prefix: str) -> dict[str, int]:
        chosen = {k.removeprefix(prefix): n for k, n in reasons.items() if k.startswith(prefix)}
        return dict(sorted(chosen.items(), key=lambda item: (-item[1], item[0])))

    return BuildSummary(
        settings=settings,
        photos=len(collection.of("train")),
        pairs=dict(sorted(Counter(p.kind for p in pairs).items())),
        without_note=_with("note: "),
        neighbours_refused=_with("neighbour: ") | _with("tried: "),
        pair_list=pairs,
    )
