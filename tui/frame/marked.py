"""Two texts with the words that differ marked: underlined and bold, so that no colour is needed."""

from collections.abc import Sequence

from textual.content import Content

Pieces = Sequence[tuple[str, bool]]


def marked_content(pieces: Pieces, colour: str = "") -> Content:
    """pieces: of a text, each with whether it differs; colour: of the theme, such as `$success`, for those that do."""
    style = f"bold underline {colour}".strip()
    return Content.assemble(*[(text, style) if differs else text for text, differs in pieces])
