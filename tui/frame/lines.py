"""Asking line by line, for `--plain`: nothing here needs Textual."""

import sys
from collections.abc import Callable

# Asks for a line of input; None at the end of the input.
Read = Callable[[str], str | None]
Write = Callable[[str], None]


def ask_line(prompt: str) -> str | None:
    """A line from the person; None where the input has ended. What follows begins on a line of its own."""
    try:
        line = input(prompt)
    except EOFError:
        print()
        return None
    if not sys.stdin.isatty():
        # No terminal has shown what was typed, nor ended its line.
        print(line)
    return line
