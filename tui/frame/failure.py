"""A failure in words, for where a window shows it."""

from realign_edge.errors import explain
from realign_edge.language import Language
from realign_edge.sentences.translate import spoken


def words_of(failure: Exception, language: Language) -> str:
    """What happened, and on the next line what to do."""
    known = explain(failure)
    if known is None:
        return f"{type(failure).__name__}: {spoken(str(failure), language)}"
    return "\n".join(spoken(sentence, language) for sentence in known if sentence)


def reason_of(problem: OSError, language: Language) -> str:
    """What the system says, without the name of the file."""
    return spoken(problem.strerror or str(problem), language)
