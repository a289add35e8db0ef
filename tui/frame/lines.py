"""Asking line by line, for `--plain`: nothing here needs Textual."""

from collections.abc import Callable

# Asks for a line of input; None at the end of the input.
Read = Callable[[str], str | None]
Write = Callable[[str], None]


def ask_line(prompt: str) -> str | None:
    """A line from the person; None where the input has ended."""
    try:
        return input(prompt)
    except EOFError:
        return None
