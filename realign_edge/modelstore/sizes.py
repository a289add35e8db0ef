"""Sizes in words: bytes, and numbers of parameters."""

from realign_edge.carry.sizes import MIB, gib

__all__ = ["MIB", "billions", "gib"]


def billions(number: int) -> str:
    """Parameters: `7.06 B`, `304 M`, `68.0 k`."""
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            value = number / unit
            return f"{value:.{max(0, 3 - len(str(int(value))))}f} {name}"
    return str(number)
