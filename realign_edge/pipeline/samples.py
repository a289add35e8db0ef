"""What a person sees of training while it goes on: a held-out photo, the answer before alignment and the one now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from realign_edge.alignment.gradient import out_of_memory
from realign_edge.alignment.loop import Glimpse, unseen
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.files import sha256_bytes
from realign_edge.glossary.facts import Facts, facts_of
from realign_edge.glossary.mentions import find_mentions
from realign_edge.glossary.model import Glossary, Mention
from realign_edge.glossary.questions import Language, describe_question
from realign_edge.glossary.script import origins
from realign_edge.photos.collection import Collection
from realign_edge.photos.model import Photo
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm

PHOTOS = 4
# A note is shorter; an answer that runs on is cut, since every look asks for one.
_MOST_TOKENS = 64


def choose(photos: Sequence[Photo], glossary: Glossary, seed: int) -> tuple[Photo, ...]:
    """The few photos that are shown in turn, always the same: those with defects in their records first."""
    facts = {p.sha256: facts_of(p.record, glossary) for p in photos}

    def rank(photo: Photo) -> tuple[int, str]:
        known = facts[photo.sha256]
        return 0 if known and known.defects else 1 if known else 2, sha256_bytes(f"{seed}:{photo.sha256}".encode())

    return tuple(sorted(photos, key=rank)[:PHOTOS])


@dataclass(frozen=True)
class Sampler:
    """Made while the model is still the base model; `show(step)` then tells what the model says at a step.

    It draws no random numbers and leaves no trace in the model, so an adapter does not depend on it. every: steps
    between two looks, so that a run that goes on shows the photo that it would have shown.
    """

    vlm: Vlm
    store: FeatureStore
    glossary: Glossary
    language: Language
    photos: tuple[Photo, ...]
    before: tuple[str, ...]
    every: int
    tell: Callable[[dict[str, Any]], None]

    def show(self, step: int) -> None:
        """One photo, asked now. Where memory does not suffice there is no sample, and training goes on."""
        place = (step // self.every) % len(self.photos)
        photo = self.photos[place]
        try:
            now = ask(self.vlm, self.store, [photo], self.language)[0]
        except (MemoryError, RuntimeError) as problem:
            if not out_of_memory(problem):
                raise
            return
        facts = facts_of(photo.record, self.glossary)
        self.tell(
            {
                "type": "sample",
                "step": step,
                "photo": photo.sha256,
                "name": photo.name,
                "question": describe_question(self.language),
                "record": photo.record.note if photo.record is not None else "",
                "before": marked(self.before[place], facts, self.glossary, self.language),
                "now": marked(now, facts, self.glossary, self.language),
            }
        )


def sampled(
    vlm: Vlm,
    store: FeatureStore,
    collection: Collection,
    glossary: Glossary,
    language: Language,
    settings: AlignmentSettings,
    tell: Callable[[dict[str, Any]], None],
) -> Glimpse:
    """What shows a held-out photo at every look, nothing where there is none; to be made before an adapter is there."""
    photos = choose(collection.of("held_out"), glossary, settings.seed)
    if not photos:
        return unseen
    before = tuple(ask(vlm, store, photos, language))
    return Sampler(vlm, store, glossary, language, photos, before, settings.checkpoint_every, tell).show


def ask(vlm: Vlm, store: FeatureStore, photos: Sequence[Photo], language: Language) -> list[str]:
    """Notes on photos, greedily, without dropout; the model is left in the mode that it was in."""
    training = vlm.model.training
    vlm.model.eval()
    try:
        sights = store.sights([p.sha256 for p in photos])
        return generate(vlm, sights, [describe_question(language)] * len(photos), _MOST_TOKENS)
    finally:
        vlm.model.train(training)


def marked(text: str, facts: Facts | None, glossary: Glossary, language: Language) -> dict[str, Any]:
    """An answer with what its photo's record has not, as [start, end) and by name, and what it misses of it.

    Without facts nobody knows, and nothing is marked.
    """
    if facts is None:
        return {"text": text, "marks": [], "absent": [], "missed": []}
    mentions = [m for m in find_mentions(text, glossary) if not m.negated]
    wrong = [m for m in mentions if _is_absent(m, facts)]
    named = {m.term for m in mentions if m.category == "defect"}
    missed = [d for d in facts.defects if d not in named]
    place = origins(text)
    return {
        "text": text,
        "marks": [[place[m.start], place[m.end]] for m in wrong],
        "absent": [glossary.called(term, language) for term in dict.fromkeys(m.term for m in wrong)],
        "missed": [glossary.called(term, language) for term in missed],
    }


def _is_absent(mention: Mention, facts: Facts) -> bool:
    """A defect that the record has not, or another part than the record's: what counts as hallucinated (CHAIR)."""
    if mention.category == "defect":
        return mention.term not in facts.defects
    return mention.category == "part" and bool(facts.part) and mention.term != facts.part
