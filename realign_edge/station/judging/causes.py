"""The conditions that rules are made of: a closed list, each a question about the evidence.

A figure that is no number (NaN: a graph computed nonsense) speaks for nothing: comparisons are written so that it meets
every condition which sends a photo to a person.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from realign_edge.station.evidence.evidence import Evidence

When = Literal[
    "unfamiliar", "unknown_part", "other_part", "unfinished", "unsure", "weakly_grounded", "denied", "suspected",
    "contradicted", "unread", "defect", "always",
]  # fmt: skip
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """ask: what of the evidence meets it, given the threshold; one set of values a cause, for the rule's sentence.

    threshold: its name in station.json, "" where it needs none; values: the names that a sentence may use.
    """

    ask: Callable[[Evidence, float], Iterator[Values]]
    values: tuple[str, ...] = ()
    threshold: str = ""


def _unfamiliar(e: Evidence, at: float) -> Iterator[Values]:
    if not e.familiarity >= at:
        yield {"value": f"{e.familiarity:.3f}", "threshold": f"{at:.3f}"}


def _unknown_part(e: Evidence, _: float) -> Iterator[Values]:
    if e.parts_known and not e.part:
        yield {}


def _other_part(e: Evidence, _: float) -> Iterator[Values]:
    if e.part and e.usual_part and e.part != e.usual_part:
        yield {"part": e.part, "other": e.usual_part}


def _unfinished(e: Evidence, _: float) -> Iterator[Values]:
    if not e.finished or not e.description:
        yield {}


def _unsure(e: Evidence, at: float) -> Iterator[Values]:
    if not e.confidence >= at:
        yield {"value": f"{e.confidence:.3f}", "threshold": f"{at:.3f}"}


def _weakly_grounded(e: Evidence, at: float) -> Iterator[Values]:
    for f in e.findings:
        if not f.grounding >= at:
            yield {"defect": f.defect, "phrase": f.phrase, "value": f"{f.grounding:.2f}", "threshold": f"{at:.2f}"}


def _denied(e: Evidence, at: float) -> Iterator[Values]:
    for probe in e.confirmed:
        if not probe.yes >= at:
            yield {"defect": probe.defect, "value": f"{100 * probe.yes:.0f}", "threshold": f"{100 * at:.0f}"}


def _suspected(e: Evidence, at: float) -> Iterator[Values]:
    for probe in e.suspected:
        if not probe.yes < at:
            yield {"defect": probe.defect, "value": f"{100 * probe.yes:.0f}", "threshold": f"{100 * at:.0f}"}


def _contradicted(e: Evidence, at: float) -> Iterator[Values]:
    if e.same_record is False and e.nearest_similarity >= at:
        nearest = e.neighbours[0]
        recorded, numbers = ", ".join(nearest.defects) or "-", (f"{nearest.similarity:.3f}", f"{at:.3f}")
        yield {"photo": nearest.name, "recorded": recorded, "value": numbers[0], "threshold": numbers[1]}


def _unread(e: Evidence, _: float) -> Iterator[Values]:
    """Of a photo with findings there is enough to say."""
    if e.strange and not e.findings:
        yield {"words": ", ".join(e.strange[:_MOST_WORDS])}


def _defect(e: Evidence, _: float) -> Iterator[Values]:
    for f in e.findings:
        yield {"defect": f.defect, "location": f.location, "phrase": f.phrase, "part": e.part}


def _always(_e: Evidence, _: float) -> Iterator[Values]:
    yield {}


_NUMBERS = ("value", "threshold")
# A description in a language that the plant does not use consists of them.
_MOST_WORDS = 5
CONDITIONS: Mapping[When, Condition] = {
    "unfamiliar": Condition(_unfamiliar, _NUMBERS, "familiarity"),
    "unknown_part": Condition(_unknown_part),
    "other_part": Condition(_other_part, ("part", "other")),
    "unfinished": Condition(_unfinished),
    "unsure": Condition(_unsure, _NUMBERS, "confidence"),
    "weakly_grounded": Condition(_weakly_grounded, ("defect", "phrase", *_NUMBERS), "grounding"),
    "denied": Condition(_denied, ("defect", *_NUMBERS), "denied"),
    "suspected": Condition(_suspected, ("defect", *_NUMBERS), "suspected"),
    "contradicted": Condition(_contradicted, ("photo", "recorded", *_NUMBERS), "same"),
    "unread": Condition(_unread, ("words",)),
    "defect": Condition(_defect, ("defect", "location", "phrase", "part")),
    "always": Condition(_always),
}
