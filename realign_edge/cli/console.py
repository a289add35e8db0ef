"""Where tables for people are printed: stdout, within 80 columns."""

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console
from rich.segment import Segment

from realign_edge.cli.guard import visible

WIDTH = 80


class PlainConsole(Console):
    """Rich's console, to which texts are texts: no markup, no smileys in colons, no control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False, **options})

    @property
    def file(self) -> IO[str]:
        """Where Rich writes, past the guard: its colours are no text from outside."""
        found = super().file
        return getattr(found, "unguarded", found)

    @file.setter
    def file(self, new: IO[str]) -> None:
        self._file = new

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        # Also its table cells and wrapped lines end here, whatever they were made of.
        return super()._render_buffer(s if s.control else Segment(visible(s.text), s.style) for s in buffer)


def console() -> PlainConsole:
    """For stdout, never wider than WIDTH."""
    made = PlainConsole()
    made.width = min(made.width, WIDTH)
    return made
