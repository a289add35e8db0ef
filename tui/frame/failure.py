"""A failure in words, for where a window shows it."""

from realign_edge.errors import explain


def words_of(failure: Exception) -> str:
    """What happened, and on the next line what to do."""
    known = explain(failure)
    return "\n".join(filter(None, known)) if known else f"{type(failure).__name__}: {failure}"
