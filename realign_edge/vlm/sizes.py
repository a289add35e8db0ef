"""The shape of a published checkpoint, stated in its family's profile: what memory is predicted from without a file."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the decoder, and what there is beside it.

    decoder: its model type in transformers, which models/decoders.toml describes; heads, key_heads: of queries and of
    keys; head: the width of one; vocabulary: rows of the embeddings; tied: the head is the embeddings' own matrix;
    vision: parameters of tower, projector and all else that is no decoder; deep: layers that take features of the
    photo behind them.
    """

    decoder: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    key_heads: int
    head: int
    vocabulary: int
    vision: int
    tied: bool = False
    deep: int = 0

    def __post_init__(self) -> None:
        if low := [f.name for f in fields(self) if f.name not in ("decoder", "deep") and getattr(self, f.name) < 0]:
            raise ValueError(f"{', '.join(low)} must not be negative")

    @property
    def matrices(self) -> int:
        """Parameters of the decoder's layers, which 4-bit loading makes small; norms and biases are left out."""
        attention = self.hidden * self.head * 2 * (self.heads + self.key_heads)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def total(self) -> int:
        """All parameters."""
        return self.matrices + self.vocabulary * self.hidden * (1 if self.tied else 2) + self.vision
