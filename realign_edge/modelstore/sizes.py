"""Sizes in words: bytes, and numbers of parameters."""

MIB = 2**20


def gib(size: float) -> str:
    """Bytes: `13.2 GiB`, `14.5 MiB`, `7.3 KiB`."""
    for power, name in ((30, "GiB"), (20, "MiB")):
        if size >= 0.1 * 2**power:
            return f"{size / 2**power:.1f} {name}"
    return f"{size / 2**10:.1f} KiB"


def billions(number: int) -> str:
    """Parameters: `7.06 B`, `304 M`, `68.0 k`."""
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            value = number / unit
            return f"{value:.{max(0, 3 - len(str(int(value))))}f} {name}"
    return str(number)
