"""Texts as lines, for `--plain`: nothing here needs Textual."""

from collections.abc import Callable, Sequence

# Asks for a line of input; None at the end of the input.
Read = Callable[[str], str | None]
Write = Callable[[str], None]


def bracketed(pieces: Sequence[tuple[str, bool]]) -> str:
    """A text with the words that differ in square brackets. pieces: each with whether it differs."""
    found = []
    for text, differs in pieces:
        bare = text.strip()
        found.append(text.replace(bare, f"[{bare}]") if differs and bare else text)
    return "".join(found)


def ask_line(prompt: str) -> str | None:
    """A line from the person; None where the input has ended."""
    try:
        return input(prompt)
    except EOFError:
        return None
