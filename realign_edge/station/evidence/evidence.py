"""What a verdict is made from: everything measured about one photo, before anybody judges it."""

from dataclasses import dataclass

from realign_edge.results.model import Finding, Neighbour


@dataclass(frozen=True, slots=True)
class Probe:
    """The answer to "does the photo show this defect?": yes in [0, 1], the probability of yes against no."""

    defect: str
    yes: float


@dataclass(frozen=True)
class Evidence:
    """One photo, looked at.

    part: "" where the description names none of the glossary's parts, parts_known: the glossary has parts at all;
    finished: the description came to its own end; confirmed: a probe for each finding; suspected: probes for defects
    that are usual for the part and are not claimed; neighbours: nearest past photos, with records; known: for each
    neighbour, does its record say what is to be seen; same_record: does the record of the nearest one agree with
    the findings, None where it says nothing; reference: what stood for "without the photo" in grounding; strange: words
    of the description that neither the glossary nor the records of good parts know.
    """

    description: str
    part: str
    parts_known: bool
    finished: bool
    confidence: float
    familiarity: float
    findings: tuple[Finding, ...]
    confirmed: tuple[Probe, ...]
    suspected: tuple[Probe, ...]
    neighbours: tuple[Neighbour, ...]
    known: tuple[bool, ...]
    reference: str = ""
    strange: tuple[str, ...] = ()

    @property
    def same_record(self) -> bool | None:
        """Does the nearest past photo's record name the same defects? None where it says nothing."""
        if not self.neighbours or not self.known[0]:
            return None
        return set(self.neighbours[0].defects) == {f.defect for f in self.findings}

    @property
    def nearest_similarity(self) -> float:
        """Cosine to the nearest past photo; -1 where there is none."""
        return self.neighbours[0].similarity if self.neighbours else -1.0

    @property
    def usual_part(self) -> str:
        """The part that all of the nearest past photos show which name one; "" where they disagree."""
        parts = {n.part for n in self.neighbours if n.part}
        return parts.pop() if len(parts) == 1 else ""
