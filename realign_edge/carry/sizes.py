"""Sizes in words."""

MIB = 2**20


def gib(size: float) -> str:
    """Bytes: `13.2 GiB`, `14.5 MiB`, `7.3 KiB`."""
    for power, name in ((30, "GiB"), (20, "MiB")):
        if size >= 0.1 * 2**power:
            return f"{size / 2**power:.1f} {name}"
    return f"{size / 2**10:.1f} KiB"
