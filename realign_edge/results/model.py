"""What a station says about a photo, what people say to that, and what it could not look at."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["PASS", "FAIL", "REVIEW"]
Decision = Literal["agree", "overrule", "retake"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect that the description claims.

    phrase: its words in the description; grounding: nats a token by which the photo, rather than habit, supports
    them (log-likelihood of the phrase with the photo minus that without it, mean over its tokens);
    confidence: geometric mean of its tokens' probabilities, in [0, 1].
    """

    defect: str
    location: str
    phrase: str
    grounding: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A past photo that is like the inspected one, with its record. similarity: cosine in [-1, 1]."""

    sha256: str
    name: str
    similarity: float
    note: str = ""
    part: str = ""
    defects: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    lot: str = ""
    serial: str = ""
    taken_at: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is as it is: the rule's name, and its sentence in the bundle's language."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """One photo, inspected once by one bundle.

    sha256: of the photo's bytes, its identity; name: as it was given or below the watched folder; inspected_at: UTC,
    ISO 8601 with seconds; familiarity: mean cosine to the nearest past photos, in [-1, 1]; confidence: geometric mean
    of the description's token probabilities, in [0, 1]; latency_ms: from decoded file to verdict.
    """

    sha256: str
    name: str
    inspected_at: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    description: str
    part: str
    findings: tuple[Finding, ...]
    neighbours: tuple[Neighbour, ...]
    familiarity: float
    confidence: float
    bundle_id: str
    model_sha256: str
    latency_ms: float
    station: str = ""
    operator: str = ""
    lot: str = ""
    serial: str = ""
    taken_at: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not inspected: why, in plain words. sha256: "" where its bytes could not be read."""

    name: str
    reason: str
    refused_at: str
    sha256: str = ""
    station: str = ""


@dataclass(frozen=True, slots=True)
class Disposition:
    """What a person decided about an inspection: `entry` is the number of its row.

    verdict: the person's own, where it overrules; note, part, defects, locations: what is really to be seen, where
    the person says so (these go into the next alignment as records).
    """

    entry: int
    sha256: str
    decision: Decision
    operator: str
    decided_at: str
    verdict: Verdict | Literal[""] = ""
    reason: str = ""
    note: str = ""
    part: str = ""
    defects: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: its number (from 1), its content, its hash, and the hash of the row before ("" for the first)."""

    number: int
    content: Inspection | Refused | Disposition
    previous: str
    hash: str
