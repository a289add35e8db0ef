"""One question about one photo, answered with what speaks for the answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realign_edge.results.model import Neighbour
from realign_edge.station.evidence.grounding import grounding
from realign_edge.station.inspecting.inspector import LOOKED_AT, SHOWN, Inspector


@dataclass(frozen=True)
class Reply:
    """An answer with its evidence.

    grounding: nats a token by which the photo makes the answer more likely than `reference` does (a past photo, or
    "blank"); low where the model would say so about any photo. confidence, familiarity: as in `Inspection`.
    warnings: why a person should not take the answer as it is, in plain sentences.
    """

    answer: str
    confidence: float
    grounding: float
    reference: str
    familiarity: float
    neighbours: tuple[Neighbour, ...]
    warnings: tuple[str, ...]


def ask(inspector: Inspector, rgb: NDArray[np.uint8], question: str) -> Reply:
    """Answer `question` about rgb (H, W, 3) uint8.

    Raises:
        Refusal: the photo's shape is beyond the model.
        RealignError: the question is longer than the model reads, or cannot be put into a prompt.
    """
    model = inspector.model
    view = model.see(rgb)
    near = inspector.past.nearest(view.embedding, LOOKED_AT)
    answer = model.answer(view, question)
    shown = near[:SHOWN]
    familiarity = float(np.mean([s for _, s in shown])) if shown else -1.0
    reference, name = inspector.references.find(_named(inspector, answer.text + " " + question), near)
    without = model.answer_logps(reference, question, answer.ids)
    return Reply(
        answer=answer.text,
        confidence=answer.confidence,
        grounding=grounding(answer.logps, without, range(len(answer.ids))),
        reference=name,
        familiarity=familiarity,
        neighbours=tuple(inspector.past.neighbour(row, s) for row, s in shown),
        warnings=_warnings(inspector, familiarity, answer.confidence, answer.finished),
    )


def _named(inspector: Inspector, text: str) -> set[str]:
    """The defects that answer and question are about."""
    from realign_edge.glossary.findings import find_terms

    return set(find_terms(text, inspector.glossary, "defect"))


def _warnings(inspector: Inspector, familiarity: float, confidence: float, finished: bool) -> tuple[str, ...]:
    thresholds = inspector.profile.thresholds
    found = []
    # A figure that is no number (NaN) is a reason to doubt, too.
    if not familiarity >= thresholds.get("familiarity", -1.0):
        found.append("the photo is unlike the photos that the model was aligned on")
    if not confidence >= thresholds.get("confidence", 0.0):
        found.append("the model is not sure of its answer")
    if not finished:
        found.append("the answer did not come to an end")
    return tuple(found)
