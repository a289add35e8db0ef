"""How finely photos are looked at: a number of tokens a photo, put into the terms of a family's image processor."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from realign_edge.errors import UsageError

if TYPE_CHECKING:
    from realign_edge.vlm.family import Family

# Fewer tokens show less than a thumbnail.
_FEWEST = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a photo may become, in the terms of a family's image processor; 0 = as the checkpoint says.

    shortest_edge, longest_edge: of `size`, in pixels or, where a family counts so, in pixels of the area;
    max_patches: tiles.
    """

    shortest_edge: int = 0
    longest_edge: int = 0
    max_patches: int = 0

    def as_arguments(self) -> dict[str, Any]:
        """For the processor's call."""
        size = {n: v for n in ("shortest_edge", "longest_edge") if (v := getattr(self, n))}
        patches = {"max_patches": self.max_patches} if self.max_patches else {}
        return ({"size": size} if size else {}) | patches


@dataclass(frozen=True, slots=True)
class Resolution:
    """What limits a photo's tokens where they can be limited.

    by: the photo's area (`limits.longest_edge`; unit: pixels a token) or its tiles (`limits.max_patches`; unit:
    tokens a tile, and as many for the overview of several).
    """

    by: Literal["area", "tiles"]
    unit: int

    def __post_init__(self) -> None:
        if self.unit < 1:
            raise ValueError("unit must be positive")

    def limited(self, limits: Limits, tokens: int) -> Limits:
        """Limits under which a photo takes no more than `tokens`."""
        if self.by == "area":
            return replace(limits, longest_edge=tokens * self.unit)
        return replace(limits, max_patches=max(1, tokens // self.unit - 1))

    def reached(self, limits: Limits) -> int:
        """The most tokens of a photo under such limits."""
        if self.by == "area":
            return limits.longest_edge // self.unit
        return self.unit * (limits.max_patches + 1 if limits.max_patches > 1 else 1)


def looking_at(family: "Family", photo_tokens: int) -> "Family":
    """The family with photos of at most so many tokens; 0 leaves it as its profile has it.

    Raises:
        UsageError: this family's photos cannot be limited, or not to so few.
    """
    if not photo_tokens:
        return family
    if family.resolution is None:
        raise UsageError(
            f"photo_tokens = {photo_tokens}: the checkpoint says how many tokens a photo takes in {family.title}",
            "leave photo_tokens out",
        )
    fewest = max(_FEWEST, family.resolution.unit if family.resolution.by == "tiles" else 0)
    if photo_tokens < fewest:
        raise UsageError(f"photo_tokens = {photo_tokens} is too few for {family.title}", f"use {fewest} or more")
    limits = family.resolution.limited(family.limits, photo_tokens)
    return replace(family, limits=limits, photo_tokens=family.resolution.reached(limits))
