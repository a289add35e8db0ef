"""The preference pair: one item of training, with all it came from."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from realign_edge.files import fingerprint

PairKind = Literal["note", "yes_no", "where"]
ChosenSource = Literal["record", "teacher", "model", "import"]
Masking = Literal["glossary", "grounding", "model", "none"]
Completion = Literal["infill", "prompt", "record", "none"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a pair was made. Similarities are cosines in [-1, 1]; `rank` counts neighbours from 1.

    `reference_gap` is log pi_0(y_w|v) - log pi_0(y_w|v_l) in nats, None where it was not measured.
    """

    source: ChosenSource
    masking: Masking = "none"
    completion: Completion = "none"
    masked: str = ""
    rank: int = 0
    photo_similarity: float = 0.0
    text_similarity: float = 0.0
    reference_gap: float | None = None
    model: str = ""
    settings: str = ""


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """(v, v_l, x, y_w, y_l): `photo` and `retrieved` are SHA-256 identities of photos.

    `retrieved` is "" for a pair without a retrieved photo; such a pair has no visual term.
    """

    photo: str
    retrieved: str
    prompt: str
    chosen: str
    rejected: str
    kind: PairKind
    provenance: Provenance

    @property
    def pair_id(self) -> str:
        """Identity of what is trained on; provenance is not part of it."""
        return fingerprint(self.photo, self.retrieved, self.prompt, self.chosen, self.rejected)

    def to_json(self) -> dict[str, Any]:
        """Plain values, as stored in the catalog and in pair files."""
        return {"pair_id": self.pair_id, **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "PreferencePair":
        """The inverse of `to_json`; an unknown field is a TypeError."""
        fields = {key: item for key, item in value.items() if key != "pair_id"}
        return cls(**{**fields, "provenance": Provenance(**fields["provenance"])})
