"""The exam that a run is judged by."""

from realign_edge.evaluation.evaluate import Exam, build_exam
from realign_edge.evaluation.pope import habits_of
from realign_edge.evaluation.settings import EvaluationSettings
from realign_edge.glossary.facts import Facts, facts_of
from realign_edge.glossary.findings import find_findings
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language, describe_question
from realign_edge.photos.collection import Collection
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm


def exam_for(
    settings: EvaluationSettings,
    language: Language,
    collection: Collection,
    glossary: Glossary,
    vlm: Vlm,
    store: FeatureStore,
) -> Exam:
    """Held-out photos, and as adversarial probes the defects that the base model itself claims by habit.

    The habits are read from the base model's answers about *training* photos: taken from the
    held-out answers, the probes would be picked for being wrong there.
    """
    facts = {p.sha256: facts_of(p.record, glossary) for p in collection.photos}
    known = [p for p in collection.of("train") if facts[p.sha256] is not None][: settings.habit_photos]
    notes = (
        generate(
            vlm,
            store.sights([p.sha256 for p in known]),
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
