"""Settings of evaluation."""

from dataclasses import dataclass

# Metrics where less is better.
LOWER_IS_BETTER = frozenset(("chair_i", "chair_s"))


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """resamples of the bootstrap; the gates of adoption: how much a figure may fall (share) before it counts."""

    resamples: int = 10_000
    seed: int = 0
    max_photos: int = 400
    habit_photos: int = 120
    tolerated_recall_loss: float = 0.02
    tolerated_location_loss: float = 0.02
    tolerated_pope_loss: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise ValueError("seed must be at least 0 and below 2^32")
        if self.resamples < 200:
            raise ValueError("resamples must be at least 200")
        if self.max_photos < 1:
            raise ValueError("max_photos must be at least 1")
