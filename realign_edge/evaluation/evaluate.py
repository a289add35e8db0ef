"""Ask a model about held-out photos, and count what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from realign_edge.evaluation.chair import ChairCounts, count_chair
from realign_edge.evaluation.pope import SETTINGS, Habits, Probe, build_probes, pope_counts
from realign_edge.glossary.facts import Facts
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language, describe_question, yes_no_question
from realign_edge.photos.model import Photo
from realign_edge.progress import Progress
from realign_edge.vlm.branches import Branch, branch_logps, pack
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm

_TOGETHER = 32


@dataclass(frozen=True)
class Exam:
    """What a model is examined on: photos with facts, probes, and the notes whose likelihood is watched."""

    photos: tuple[Photo, ...]
    facts: tuple[Facts, ...]
    probes: tuple[Probe, ...]
    glossary: Glossary
    language: Language = "en"


@dataclass(frozen=True)
class Answers:
    """One model's exam: notes per photo, an answer per probe, log-likelihood of the true notes in nats."""

    notes: tuple[str, ...]
    probe_answers: tuple[str, ...]
    note_logps: NDArray[np.float64]
    chair: ChairCounts
    pope: Mapping[str, NDArray[np.float64]]


def build_exam(
    photos: Sequence[Photo],
    facts: Mapping[str, Facts | None],
    glossary: Glossary,
    habits: Habits,
    seed: int,
    language: Language = "en",
) -> Exam:
    """Photos whose facts are known, and their probes."""
    known = [(p, f) for p in photos if (f := facts.get(p.sha256)) is not None]
    kept = tuple(f for _, f in known)
    defects = tuple(glossary.names("defect"))

    def question(defect: str) -> str:
        return yes_no_question(glossary.called(defect, language), language)

    probes = tuple(build_probes(kept, defects, habits, seed, question))
    return Exam(tuple(p for p, _ in known), kept, probes, glossary, language)


def take_exam(vlm: Vlm, store: FeatureStore, exam: Exam, progress: Progress, title: str) -> Answers:
    """Describe every photo, answer every probe, and score the true notes."""
    asked = [
        *[(i, describe_question(exam.language)) for i in range(len(exam.photos))],
        *[(p.index, p.question) for p in exam.probes],
    ]
    distinct = list(dict.fromkeys(asked))
    progress.start(title, len(distinct), "answers")
    said: dict[tuple[int, str], str] = {}
    for start in range(0, len(distinct), 8 * _TOGETHER):
        part = distinct[start : start + 8 * _TOGETHER]
        sights = store.sights([exam.photos[i].sha256 for i, _ in part])
        said.update(zip(part, generate(vlm, sights, [q for _, q in part], batch_size=_TOGETHER), strict=True))
        progress.advance(len(said))
    answers = [said[a] for a in asked]
    notes, probe_answers = answers[: len(exam.photos)], answers[len(exam.photos) :]
    logps = _note_logps(vlm, store, exam)
    progress.finish()
    pope = {s: pope_counts(exam.probes, probe_answers, len(exam.photos), s) for s in SETTINGS}
    return Answers(tuple(notes), tuple(probe_answers), logps, count_chair(notes, exam.facts, exam.glossary), pope)


@torch.no_grad()
def _note_logps(vlm: Vlm, store: FeatureStore, exam: Exam) -> NDArray[np.float64]:
    """log pi(note | photo) in nats, (n,); NaN where the record has no note."""
    question = describe_question(exam.language)
    out = np.full(len(exam.photos), np.nan)
    rows = [i for i, p in enumerate(exam.photos) if p.record is not None and p.record.note]
    for start in range(0, len(rows), _TOGETHER):
        part = rows[start : start + _TOGETHER]
        notes = [exam.photos[i].record.note for i in part]  # type: ignore[union-attr]
        sights = store.sights([exam.photos[i].sha256 for i in part])
        prompts = [vlm.prefix(question, sight) for sight in sights]
        packed = pack(prompts, [[Branch(vlm.answer_ids(question, n))] for n in notes])
        out[part] = branch_logps(vlm, packed, sights).cpu().numpy()
    return out
