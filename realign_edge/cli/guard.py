"""The last gate before the terminal: no control character of a file, a note or a model's answer reaches it.

Texts from outside are cleaned where they come in (photos/text.py). What slips through, such as a path in an error
message, is shown here as an escape (`\\x1b`): nothing is lost, and nothing moves the cursor, sets a title or hides
a line.
"""

import io
import re
import sys
from typing import IO, Any, cast

# Controls but tab and newline, direction overrides, halves of characters, which no terminal can be sent.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with each control character as an escape."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def visible_json(text: str) -> str:
    """The same for JSON, in which they stand within strings only and keep their meaning."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Guarded(io.TextIOWrapper):
    """unguarded: the stream itself, for colours and the movements of progress bars."""

    unguarded: IO[str]

    def write(self, text: str, /) -> int:
        super().write(visible(text))
        return len(text)


def guard_streams() -> None:
    """Put guarded streams in the place of stdout and stderr."""
    for name in ("stdout", "stderr"):
        plain = getattr(sys, name)
        if isinstance(plain, io.TextIOWrapper) and not isinstance(plain, _Guarded):
            # Both write at once, so that what is printed through either stands in its order.
            plain.reconfigure(write_through=True)
            made = _Guarded(cast("Any", plain.buffer), plain.encoding, plain.errors, None, plain.line_buffering, True)
            made.unguarded = plain
            setattr(sys, name, made)
