"""Note pairs: a photo's true note over what the model makes of its masked copy while looking at another photo."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from realign_edge.glossary.facts import Facts
from realign_edge.glossary.findings import find_findings, find_terms
from realign_edge.glossary.language import NAMES
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language, describe_question
from realign_edge.glossary.script import is_japanese, normalise
from realign_edge.photos.model import Photo
from realign_edge.preferences.gate import SentenceGate
from realign_edge.preferences.infill import complete_by_prompt, infill, slot_key, slot_phrases
from realign_edge.preferences.masking import (
    BROKEN,
    Segment,
    mask_by_glossary,
    mask_by_grounding,
    mask_by_model,
    masked_text,
)
from realign_edge.preferences.model import ChosenSource, Masking, PreferencePair, Provenance
from realign_edge.preferences.settings import PairSettings
from realign_edge.retrieval.policy import Candidate
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Sight, by_length
from realign_edge.vlm.tree import TOKENS_AT_ONCE, Continuation, TokenTree


@dataclass
class NoteDraft:
    """A note pair on its way: the true note in segments, and the neighbours not yet tried, best first.

    facts: what the record says, None where it says nothing; told, logp: the true note y_w as tokens, and
    log pi_0(y_w|v) in nats; gap, rejected: of the neighbour tried last; tried: why neighbours were turned
    down; refused: why there is no pair, "" while there may be one.
    """

    photo: Photo
    facts: Facts | None
    usable: list[Candidate]
    chosen: str = ""
    source: ChosenSource = "record"
    segments: tuple[Segment, ...] = ()
    masking: Masking = "none"
    told: tuple[int, ...] = ()
    logp: float = 0.0
    gap: float = 0.0
    rejected: str = ""
    tried: Counter[str] = field(default_factory=Counter)
    refused: str = ""
    pair: PreferencePair | None = None

    def turn_down(self, reason: str) -> None:
        """The neighbour in hand will not do; go on to the next."""
        self.tried[reason] += 1
        self.usable.pop(0)
        if not self.usable:
            self.refused = "every neighbour was turned down"


@dataclass
class NoteMaker:
    """Makes the note pairs of a group of photos; blank: (1 + k, hidden) the row that stands for "no photo"."""

    vlm: Vlm
    store: FeatureStore
    glossary: Glossary
    settings: PairSettings
    gate: SentenceGate
    language: Language
    teacher_answers: Mapping[str, str]
    blank: Tensor
    made_by: str

    def __post_init__(self) -> None:
        self.question = describe_question(self.language)
        # A plant whose inspectors write in both languages gets each note completed in its own.
        self.phrases = {language: slot_phrases(self.glossary, language) for language in NAMES}
        kinds = [(form, f"{t.category}:{t.kind}") for t in self.glossary.terms if t.kind for form in t.forms]
        self.kinds = {normalise(form).lower(): kind for form, kind in kinds}

    def prepare(self, drafts: Sequence[NoteDraft]) -> None:
        """Give every draft its true note and its masks, or the reason why it has none."""
        self._choose(drafts)
        noted = [d for d in drafts if d.chosen]
        self._mask(noted)
        for draft in drafts:
            if not draft.chosen:
                draft.refused = "no note"
            elif not any(s.slot for s in draft.segments):
                draft.refused = "nothing to mask"
            elif not draft.usable:
                draft.refused = "no usable neighbour"

    def complete(self, drafts: Sequence[NoteDraft]) -> None:
        """Try neighbours in waves: in each, every draft that has no pair yet tries its next one.

        Notes with like slots are worked on together: in every round of the infill they offer the same phrases.
        """
        alike = sorted(drafts, key=self._slots)
        while wave := [d for d in alike if not d.refused and d.pair is None]:
            self._judge([d for batch in self._batches(wave) for d in self._look(batch)])

    def _batches(self, wave: Sequence[NoteDraft]) -> list[list[NoteDraft]]:
        """Drafts whose next neighbours make prompts of one length, as many as are run together."""
        answers = 2 * max(len(d.told) for d in wave)
        batches = []
        layouts = self.store.layouts([d.usable[0].photo.sha256 for d in wave])
        prompts = [self.vlm.prefix(self.question, layout) for layout in layouts]
        for group in by_length(prompts):
            rows = max(1, TOKENS_AT_ONCE // (len(prompts[group[0]]) + answers))
            batches += [[wave[i] for i in group[start : start + rows]] for start in range(0, len(group), rows)]
        return batches

    def _slots(self, draft: NoteDraft) -> list[str]:
        return [slot_key(s, self.kinds) for s in draft.segments if s.slot]

    def _choose(self, drafts: Sequence[NoteDraft]) -> None:
        asked = []
        for draft in drafts:
            recorded = draft.photo.record.note if draft.photo.record is not None else ""
            if self.settings.chosen == "record" or (self.settings.chosen == "auto" and recorded):
                draft.chosen, draft.source = recorded, "record"
            elif self.settings.chosen == "teacher":
                draft.chosen, draft.source = self.teacher_answers.get(draft.photo.sha256, ""), "teacher"
            else:
                draft.source = "model"
                asked.append(draft)
        if asked:
            answers = generate(self.vlm, self._sights([d.photo for d in asked]), [self.question] * len(asked))
            for draft, answer in zip(asked, answers, strict=True):
                draft.chosen = answer.replace(BROKEN, "")

    def _mask(self, drafts: Sequence[NoteDraft]) -> None:
        """Find the notes' slots; a note without a term of the glossary is masked by grounding."""
        if self.settings.masking == "glossary":
            for draft in drafts:
                draft.segments, draft.masking = mask_by_glossary(draft.chosen, self.glossary), "glossary"
        rest = [d for d in drafts if not any(s.slot for s in d.segments)]
        if not rest:
            return
        notes, sights = [d.chosen for d in rest], self._sights([d.photo for d in rest])
        how: Masking = "model" if self.settings.masking == "model" else "grounding"
        if how == "model":
            masked = mask_by_model(self.vlm, notes, sights, self.language)
        else:
            drop = self.settings.grounding_drop
            masked = mask_by_grounding(self.vlm, self.question, notes, sights, self.blank, drop)
        for draft, segments in zip(rest, masked, strict=True):
            draft.segments, draft.masking = segments, how

    def _look(self, drafts: Sequence[NoteDraft]) -> list[NoteDraft]:
        """Look at each draft's next neighbour: the gap, and where that is wide enough a completion.

        Returns the drafts that were completed.
        """
        others = self._sights([d.usable[0].photo for d in drafts])
        tree = TokenTree(self.vlm, [self.vlm.prefix(self.question, other) for other in others], others)
        for draft, (logp,) in zip(drafts, tree.logps([[Continuation(d.told)] for d in drafts]), strict=True):
            draft.gap = round(draft.logp - logp, 4)
        fitting = [row for row, draft in enumerate(drafts) if draft.gap >= self.settings.min_reference_gap]
        for draft in drafts:
            if draft.gap < self.settings.min_reference_gap:
                draft.turn_down("the retrieved photo fits the note as well")
        if not fitting:
            return []
        notes = [drafts[row].segments for row in fitting]
        if self.settings.completion == "infill":
            tree.keep(fitting)
            phrases = [self.phrases["ja" if is_japanese(drafts[row].chosen) else "en"] for row in fitting]
            written = infill(tree, self.question, notes, phrases, self.kinds)
        else:
            written = complete_by_prompt(self.vlm, notes, [others[row] for row in fitting], self.language)
        for row, text in zip(fitting, written, strict=True):
            drafts[row].rejected = text
        return [drafts[row] for row in fitting]

    def _judge(self, drafts: Sequence[NoteDraft]) -> None:
        """Make pairs of the completions that are false and far enough from the note."""
        false = []
        for draft in drafts:
            if not draft.rejected.strip() or self._still_true(draft):
                draft.turn_down("the completion is still true")
            else:
                false.append(draft)
        similarities = self.gate.similarities([(d.chosen, d.rejected) for d in false])
        for draft, similarity in zip(false, similarities, strict=True):
            if similarity >= self.settings.max_text_similarity:
                draft.turn_down("the completion is too close to the note")
            else:
                draft.pair = self._pair(draft, similarity)

    def _pair(self, draft: NoteDraft, similarity: float) -> PreferencePair:
        reference = draft.usable[0]
        provenance = Provenance(
            source=draft.source,
            masking=draft.masking,
            completion=self.settings.completion,
            masked=masked_text(draft.segments),
            rank=reference.rank,
            photo_similarity=round(reference.similarity, 6),
            text_similarity=similarity,
            reference_gap=draft.gap,
            model=self.made_by,
        )
        photos = draft.photo.sha256, reference.photo.sha256
        return PreferencePair(*photos, self.question, draft.chosen, draft.rejected, "note", provenance)

    def _still_true(self, draft: NoteDraft) -> bool:
        """Does the completion state just what the record (or else the note) states?"""
        truth = draft.facts
        if truth is None:
            return draft.rejected == draft.chosen
        known = truth.defects or _stated(draft.chosen, self.glossary)
        return (
            _stated(draft.rejected, self.glossary) == known
            and set(find_terms(draft.rejected, self.glossary, "part")) <= {truth.part}
            and set(find_terms(draft.rejected, self.glossary, "attribute")) <= truth.attributes
        )

    def _sights(self, photos: Sequence[Photo]) -> list[Sight]:
        return self.store.sights([p.sha256 for p in photos])


def _stated(text: str, glossary: Glossary) -> Mapping[str, str]:
    """The defects that a text claims, with their places."""
    return {f.defect: f.location for f in find_findings(text, glossary)}
