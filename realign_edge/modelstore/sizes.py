"""Sizes in words: bytes, and numbers of parameters."""

MIB = 2**20


def gib(size: float) -> str:
    """Bytes: `13.2 GiB`, `14.5 MiB`."""
    return f"{size / 2**30:.1f} GiB" if size >= 0.1 * 2**30 else f"{size / MIB:.1f} MiB"


def billions(number: int) -> str:
    """Parameters: `7.06 B`, `304 M`, `68.0 k`."""
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            value = number / unit
            return f"{value:.{max(0, 3 - len(str(int(value))))}f} {name}"
    return str(number)
