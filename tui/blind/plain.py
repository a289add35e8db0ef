"""The blind test line by line: for a screen reader, a dumb terminal, or a script."""

from realign_edge.evaluation.preference.session import Answer, BlindSession, Question
from realign_edge.photos.identity import was_replaced
from realign_edge.preferences.review.difference import bracketed, marked
from tui.blind.telling import end_lines, progress_line
from tui.frame.lines import Read, Write
from tui.words import Words

KEYS: dict[str, Answer] = {"l": "left", "r": "right", "t": "tie", "b": "bad"}


def blind_plain(session: BlindSession, words: Words, read: Read, write: Write) -> None:
    """Ask about photo after photo until the person leaves, the input ends, or all is chosen; then tell the result."""
    write(words("blind.about"))
    write(words("blind.plain_keys"))
    question = _show(session, words, write)
    while question is not None:
        key = read("> ")
        if key is None or key.strip().lower() == "q":
            session.leave()
            write(words("blind.left_early", answered=session.answered, total=session.total))
            return
        if _done(session, question, key.strip().lower()[:1], words, write):
            question = _show(session, words, write)
    for line in end_lines(words, session):
        write(line)


def _done(session: BlindSession, question: Question, key: str, words: Words, write: Write) -> bool:
    """Do what a key says; False where the same photo stays."""
    if key == "n":
        session.skip(question.photo)
        return True
    if key == "u":
        undone = session.undo()
        write(words("blind.undone" if undone else "blind.nothing_to_undo"))
        return undone
    if key not in KEYS:
        write(words("blind.plain_keys"))
        return False
    session.choose(question.photo, KEYS[key])
    write(words(f"blind.told_{KEYS[key]}"))
    return True


def _show(session: BlindSession, words: Words, write: Write) -> Question | None:
    question = session.current()
    if question is None:
        return None
    left, right = marked(question.left, question.right)
    write("")
    write(progress_line(words, session, question))
    write(words("blind.photo", name=str(question.path)))
    if was_replaced(question.path, question.photo):
        write(words("blind.replaced"))
    write(f"{words('blind.left')}: {bracketed(left)}")
    write(f"{words('blind.right')}: {bracketed(right)}")
    return question
