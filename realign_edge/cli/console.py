"""Where tables for people are printed: stdout, within 80 columns."""

from rich.console import Console

WIDTH = 80


def console() -> Console:
    """For stdout, never wider than WIDTH."""
    made = Console(highlight=False)
    made.width = min(made.width, WIDTH)
    return made
