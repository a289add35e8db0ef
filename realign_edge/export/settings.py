"""What is exported, and how much worse than the torch model it may be."""

from dataclasses import dataclass
from typing import Literal

from realign_edge.bundle.contract import Precision


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """The section [export].

    precisions: candidates for every graph; of those that pass, the fastest is used; ship: only what is used, or all
    that passed; site: a name of the plant, written into the manifest.

    The gate is asked over parity_photos held-out photos. fp32_difference: how far fp32 graphs may be from torch, in
    shares of the largest feature and in nats of an answer's tokens; min_tokens: mean share of the first 64 tokens up to
    the first that differs (min_tokens_fp32 for fp32); min_defects: share of photos in which the same defects are
    named; max_chair_loss, max_pope_loss: by how much hallucinations may rise and right yes/no answers fall, in shares.

    Whole verdicts are compared with those of fp32, over verdict_photos held-out photos for each graph and over
    calibration_photos, on which thresholds are set, for what is shipped. min_verdicts: share that is the same;
    max_let_through: share that passes, and did not in fp32.

    golden_photos: shipped with what they should give.
    """

    precisions: tuple[Precision, ...] = ("fp32", "int8", "int4")
    ship: Literal["used", "passed"] = "used"
    site: str = ""
    parity_photos: int = 24
    fp32_difference: float = 1e-3
    min_tokens_fp32: float = 0.99
    min_tokens: float = 0.8
    min_defects: float = 0.95
    verdict_photos: int = 40
    min_verdicts: float = 0.9
    max_let_through: float = 0.03
    max_chair_loss: float = 0.02
    max_pope_loss: float = 0.02
    calibration_photos: int = 400
    golden_photos: int = 3
    max_new_tokens: int = 96

    def __post_init__(self) -> None:
        if not self.precisions or len({*self.precisions}) < len(self.precisions):
            raise ValueError("precisions must name at least one, and each once")
        names = ("parity_photos", "calibration_photos", "verdict_photos", "golden_photos", "max_new_tokens")
        if min(getattr(self, name) for name in names) < 1:
            raise ValueError(f"{', '.join(names[:-1])} and {names[-1]} must be at least 1")
        least = (self.min_tokens_fp32, self.min_tokens, self.min_defects, self.min_verdicts)
        most = (self.max_let_through, self.max_chair_loss, self.max_pope_loss)
        if not all(0 <= s <= 1 for s in (*least, *most)) or not 0 < self.fp32_difference <= 1:
            raise ValueError("bars of the gate are shares in [0, 1]")
