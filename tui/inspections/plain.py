"""What waits for a person, line by line: for a screen reader, a dumb terminal, or a script."""

from dataclasses import replace
from typing import Any

from realign_edge.errors import UsageError
from realign_edge.glossary.model import Glossary
from realign_edge.photos.text import clean
from realign_edge.results.deciding import DecidedMeanwhile, write_decision
from realign_edge.results.model import Decision, Disposition, Inspection
from realign_edge.results.query import Query
from realign_edge.results.store import Results
from realign_edge.station.watching.pulse import watcher_pulse
from tui.context import Context
from tui.frame.failure import words_of
from tui.frame.lines import Read, Write, ask_line
from tui.inspections.deciding import Draft, Told, disposition
from tui.inspections.feed import Opened, open_row, photo_folders, results_file
from tui.inspections.telling import SIGNS, details, said_line
from tui.words import Words, words_in

_KEYS: dict[str, tuple[Decision, str]] = {
    "p": ("agree", "PASS"), "f": ("agree", "FAIL"), "o": ("overrule", ""), "t": ("retake", ""),
}  # fmt: skip


def inspections_plain(context: Context, read: Read = ask_line, write: Write = print) -> int:
    """Ask about one after another, those that wait longest first; how many still wait at the end.

    Raises:
        RealignError: there are no results, or they cannot be read or written; what was decided before is kept.
    """
    words, path = words_in(context.options.language), results_file(context)
    numbers = _waiting(path)
    write(words("inspections.plain_waiting", n=len(numbers)))
    folders = photo_folders(context, watcher_pulse(path.parent, context.now()))
    for number in numbers:
        opened = open_row(context, number, folders)
        if opened is not None and not opened.decisions and not _ask(context, words, opened, read, write):
            break
    return len(_waiting(path))


def _waiting(path: Any) -> list[int]:
    with Results.read(path) as results:
        return [entry.number for entry in results.entries(query=Query(review=True))]


def _ask(context: Context, words: Words, opened: Opened, read: Read, write: Write) -> bool:
    """Show one and take a key; False where the person ends."""
    content = opened.entry.content
    assert isinstance(content, Inspection)
    write("")
    write(f"{SIGNS['REVIEW']} {content.verdict}  {clean(content.name)}")
    if opened.photo.path is not None:
        write(words("inspections.plain_photo", path=opened.photo.path))
    for label, text, _ in details(words, opened):
        write(f"{label}: {text}" if label else f"  {text}")
    while True:
        write(words("inspections.plain_keys"))
        key = read("> ")
        if key is None or key.strip().lower() == "q":
            return False
        if not key.strip():
            return True
        if (meant := _KEYS.get(key.strip().lower()[:1])) is not None:
            draft = Draft(opened.entry.number, content, meant[0], meant[1] or None)  # type: ignore[arg-type]
            if _decided(context, words, opened.names, draft, read, write):
                return True


def _decided(context: Context, words: Words, names: Glossary, draft: Draft, read: Read, write: Write) -> bool:
    """Ask for what the decision needs, and write it; False where nothing was written."""
    if draft.asks_verdict:
        answer = read(f"{words(f'inspections.ask_{draft.decision}', verdict=draft.inspection.verdict)} p/f > ") or ""
        chosen: Any = {"p": "PASS", "f": "FAIL"}.get(answer.strip().lower()[:1])
        if chosen is None:
            return False
        draft = replace(draft, verdict=chosen)
    said = {name: (read(_prompt(words, draft, name)) or "").strip() for name in draft.fields}
    told = Told(**said).meant(names, words.language)
    seen = {"defects": told.defects or told.note}
    for name in draft.needed:
        if not {**said, **seen}[name]:
            write(words("inspections.plain_needed", name=words(f"inspections.field_{name}")))
            return False
    return _written(context, words, disposition(draft, told, context.options.person, context.now()), write)


def _prompt(words: Words, draft: Draft, name: str) -> str:
    mark = " *" if name in draft.needed else ""
    return f"{words(f'inspections.plain_{name}')}{mark} > "


def _written(context: Context, words: Words, said: Disposition, write: Write) -> bool:
    try:
        entry = write_decision(results_file(context), said)
    except DecidedMeanwhile as other:
        write(said_line(words, other.said))
        return True
    except UsageError as problem:
        write(words_of(problem, words.language))
        return False
    write(words("inspections.decided", row=entry.number, said=said_line(words, said)))
    return True
