"""Pair review line by line: for a screen reader, a dumb terminal, or a script. The keys are those of the window."""

from realign_edge.preferences.review.difference import bracketed, marked
from realign_edge.preferences.review.model import RefusedDecision, Verdict
from realign_edge.preferences.review.session import Item, ReviewSession, Standing
from tui.frame.lines import Read, Write
from tui.review.telling import photo_title, progress_line, reason_lines, replaced, retrieved_title, similarity_line
from tui.words import Words

KEYS: dict[str, Verdict] = {"a": "accept", "s": "swap", "e": "edit", "f": "also_fits", "d": "discard"}


def review_plain(session: ReviewSession, words: Words, read: Read, write: Write) -> Standing:
    """Ask about pair after pair until the person leaves, the input ends, or all is decided."""
    try:
        item = _show(session, words, write)
        write(words("review.plain_keys"))
        while item is not None:
            key = read("> ")
            if key is None or key.strip().lower() == "q":
                break
            if _done(session, item, key.strip().lower()[:1], words, read, write):
                item = _show(session, words, write)
    finally:
        session.leave()
    return session.standing()


def _done(session: ReviewSession, item: Item, key: str, words: Words, read: Read, write: Write) -> bool:
    """Do what a key says; False where the same pair stays."""
    pair_id = item.pair.pair_id
    if key == "n":
        session.skip(pair_id)
        return True
    if key == "u":
        undone = session.undo()
        write(words("review.undone") if undone is not None else words("review.nothing_to_undo"))
        return undone is not None
    if key not in KEYS:
        write(words("review.plain_keys"))
        return False
    chosen = rejected = ""
    try:
        if key == "e":
            chosen = read(words("review.plain_chosen")) or ""
            rejected = read(words("review.plain_rejected")) or ""
        session.decide(pair_id, KEYS[key], chosen, rejected)
    except RefusedDecision as refused:
        write(words(f"review.refused_{refused.why}"))
        return False
    write(words(f"review.told_{KEYS[key]}"))
    return True


def _show(session: ReviewSession, words: Words, write: Write) -> Item | None:
    item = session.current()
    write("")
    write(progress_line(words, session.standing()))
    if item is None:
        write(words("review.finished"))
        return None
    chosen, rejected = marked(item.pair.chosen, item.pair.rejected)
    other = item.retrieved
    for line in (
        photo_title(words, item.photo.name),
        retrieved_title(words, item, other.name if other else ""),
        *([words("review.replaced")] if replaced(item.photo) or (other and replaced(other)) else []),
        f"{words('review.question')}: {item.pair.prompt}",
        f"{words('review.chosen')}: {bracketed(chosen)}",
        f"{words('review.rejected')}: {bracketed(rejected)}",
        *(f"- {line}" for line in reason_lines(words, item)),
        similarity_line(words, item),
    ):
        write(line)
    return item
