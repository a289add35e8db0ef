"""Who sits down before the answers of a run, and what is seen of the photo that comes next."""

from dataclasses import dataclass

from realign_edge.evaluation.preference.session import BlindSession, Question
from realign_edge.photos.identity import was_replaced
from realign_edge.runs.run import find_run
from tui.blind.telling import end_lines, progress_line
from tui.context import Context
from tui.words import Words


@dataclass(frozen=True, slots=True)
class Look:
    """The photo to choose about; None: no more, and lines tell the end. progress: how far it is, in words.

    replaced: another file lies where the photo was.
    """

    question: Question | None
    progress: str
    replaced: bool
    lines: tuple[str, ...]


def session_of(context: Context) -> BlindSession:
    """Raises:
    RealignError: there is no such run, or it keeps no answers.
    """
    return BlindSession(find_run(context.home / "runs", context.run), context.options.person)


def look(session: BlindSession, words: Words) -> Look:
    """The next photo, which is read; or the result."""
    question = session.current()
    if question is None:
        return Look(None, "", False, tuple(end_lines(words, session)))
    return Look(question, progress_line(words, session, question), was_replaced(question.path, question.photo), ())
