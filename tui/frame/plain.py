"""Text from outside on screen: no markup, and no control character reaches the terminal."""

import re

from rich.segment import Segment
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter

# Controls, direction overrides, halves of characters; each takes no cell, so that what stands beside it stays in place.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def as_text(text: str) -> Content:
    """For what Textual reads as markup where it is given a `str`, such as the title of a border."""
    return Content(text)


class NoControls(LineFilter):
    """The last gate before the terminal, for every line of every window."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same line; what has a control character is written without it."""
        if all(s.control or s.text.isprintable() for s in segments):
            return segments
        return [s if s.control or s.text.isprintable() else s._replace(text=_CONTROL.sub("", s.text)) for s in segments]
