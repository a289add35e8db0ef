"""Ways to make one vector of a photo from what the tower says; a name of its own, since settings need no torch."""

from typing import Literal

Pooling = Literal["mean", "cls", "projected"]
POOLINGS: tuple[Pooling, ...] = ("mean", "cls", "projected")
