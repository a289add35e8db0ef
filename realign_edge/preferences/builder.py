"""The pairs of a group of photos: the unit of work of pair building."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from realign_edge.files import fingerprint
from realign_edge.glossary.facts import Facts, facts_of
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language
from realign_edge.photos.model import Photo
from realign_edge.preferences.gate import SentenceGate
from realign_edge.preferences.model import PreferencePair
from realign_edge.preferences.notes import NoteDraft, NoteMaker
from realign_edge.preferences.questions import QuestionMaker, Turn
from realign_edge.preferences.scores import TurnScorer
from realign_edge.preferences.settings import PairSettings
from realign_edge.retrieval.index import PhotoIndex
from realign_edge.retrieval.policy import RetrievalSettings, choose_references
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm

Neighbours = Sequence[tuple[str, float]]


@dataclass
class PairBuilder:
    """Everything that pair building looks at. A group's pairs depend on nothing else than the group.

    What is batched together decides the last bits of a likelihood; so the same groups give the same pairs,
    whichever process works on them and in whichever order.

    fits: (photo, other) where a person found that the other photo fits what is said of the photo, so that it is
    never its wrong photo again.
    """

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
    fits: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        self.facts = {sha: facts_of(p.record, self.glossary) for sha, p in self.photos.items()}
        self.made_by = fingerprint(self.vlm.fingerprint, asdict(self.settings), asdict(self.retrieval))
        asked = (self.settings.yes_no_questions, self.settings.where_questions)
        self.questions = QuestionMaker(self.glossary, self.language, *asked)
        self.scorer = TurnScorer(self.vlm)
        blank = self.store.mean_row(sorted(self.photos))
        self.notes = NoteMaker(
            self.vlm, self.store, self.glossary, self.settings, self.gate, self.language,
            self.teacher_answers, blank, self.made_by,
        )  # fmt: skip

    def build_group(self, photos: Sequence[Photo]) -> list[tuple[list[PreferencePair], dict[str, int]]]:
        """Per photo of the group its pairs, and what was turned down: reasons with counts."""
        neighbours = [self.index.neighbours(p.sha256, self.retrieval.neighbours) for p in photos]
        reasons = [Counter[str]() for _ in photos]
        drafts = [self._draft(*each) for each in zip(photos, neighbours, reasons, strict=True)]
        self.notes.prepare(drafts)
        logps = self._logps(photos, drafts)
        for draft, own in zip(drafts, logps, strict=True):
            if not draft.refused:
                turn = self.notes.question, draft.chosen
                draft.told, draft.logp = self.scorer.answer(turn), own[turn]
        self.notes.complete(drafts)
        results = []
        for draft, near, own, why in zip(drafts, neighbours, logps, reasons, strict=True):
            why.update({f"tried: {reason}": n for reason, n in draft.tried.items()})
            why.update({f"note: {draft.refused}": 1} if draft.refused else {})
            pairs = [draft.pair] if draft.pair is not None else []
            results.append((pairs + self._question_pairs(draft.photo, near, own), dict(why)))
        return results

    def _draft(self, photo: Photo, neighbours: Neighbours, reasons: Counter[str]) -> NoteDraft:
        usable, refused = choose_references(
            photo, neighbours, self.photos, self.retrieval, self._same_content, self._fits
        )
        reasons.update(f"neighbour: {c.reason}" for c in refused)
        return NoteDraft(photo, self.facts[photo.sha256], usable)

    def _logps(self, photos: Sequence[Photo], drafts: Sequence[NoteDraft]) -> list[dict[Turn, float]]:
        """What must be known of each photo itself: its true note, and its false answers."""
        turns: list[list[Turn]] = []
        for photo, draft in zip(photos, drafts, strict=True):
            facts = self._asked_about(photo)
            note = [] if draft.refused else [(self.notes.question, draft.chosen)]
            turns.append(note + (self.questions.turns(facts) if facts is not None else []))
        return self.scorer.logps(self.store.sights([p.sha256 for p in photos]), turns)

    def _asked_about(self, photo: Photo) -> Facts | None:
        """The facts of a photo that questions are asked about; None where its defects are not known."""
        facts = self.facts[photo.sha256]
        known = photo.record is not None and facts is not None and (photo.record.known_defects or facts.defects)
        return facts if known else None

    def _question_pairs(
        self, photo: Photo, neighbours: Neighbours, logps: Mapping[Turn, float]
    ) -> list[PreferencePair]:
        facts = self._asked_about(photo)
        if facts is None:
            return []

        def find(wanted: Callable[[Facts], bool]) -> tuple[str, float]:
            for sha, similarity in neighbours:
                other = self.facts[sha]
                usable = similarity <= self.retrieval.max_similarity and (photo.sha256, sha) not in self.fits
                if usable and other is not None and wanted(other):
                    return sha, round(similarity, 6)
            return "", 0.0

        return self.questions.pairs(photo.sha256, facts, logps, find, self.made_by)

    def _fits(self, photo: Photo, other: Photo) -> bool:
        return (photo.sha256, other.sha256) in self.fits

    def _same_content(self, a: Photo, b: Photo) -> bool:
        ours, theirs = self.facts[a.sha256], self.facts[b.sha256]
        if ours is None or theirs is None or not (ours.part or ours.defects):
            return False
        return ours.part == theirs.part and ours.defects == theirs.defects and ours.attributes == theirs.attributes
