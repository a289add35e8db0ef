"""Runs in words: a line of the list, what one came to, what is known of it."""

from pathlib import Path

from realign_edge.carry.sizes import gib
from realign_edge.monitoring.decision import Decision
from realign_edge.monitoring.words import told
from realign_edge.sentences.translate import spoken
from tui.frame.cells import fit
from tui.frame.listing import Pieces
from tui.runs.rows import RunRow
from tui.words import Words

SIGNS = {"running": "▶", "paused": "‖", "finished": "✓", "stopped": "■", "failed": "✗", "interrupted": "!"}
LOOKS = {"running": "accent", "paused": "attention", "finished": "ok", "stopped": "attention", "failed": "stopped",
         "interrupted": "stopped"}  # fmt: skip
_MARK = "◆"
# Widths of the columns that always have the same one: mark and sign, state, date and time.
_SIGN, _STATE, _WHEN = 4, 8, 16


def state_words(words: Words, state: str) -> str:
    """running, finished and so on in the reader's language."""
    name = f"runs.state_{state}"
    return words(name) if words.knows(name) else state


def run_line(words: Words, row: RunRow, width: int, marked: bool) -> Pieces:
    """Mark, sign, state, when, model, photos, result; on a narrow list without what is seen below it."""
    look = LOOKS.get(row.state, "attention")
    sign = f"{_MARK if marked else ' '} {SIGNS.get(row.state, '?')} "
    model, photos, language = _widths(width)
    return [
        (sign, "accent" if marked else look),
        (fit(state_words(words, row.state), _STATE) + " ", look),
        (fit(row.created, _WHEN) + " ", ""),
        (fit(row.model, model) + " ", ""),
        *([(fit(Path(row.photos).name, photos) + " ", "")] if photos else []),
        *([(fit(language_words(words, row.language), language) + " ", "")] if language else []),
        (fit(short_result(words, row), max(width - _taken(width), 0)), result_look(row)),
    ]


def head_line(words: Words, width: int) -> str:
    """The columns' names above the lines."""
    model, photos, language = _widths(width)
    parts = [(words("runs.col_state"), _STATE), (words("runs.col_when"), _WHEN), (words("runs.col_model"), model)]
    parts += [(words("runs.col_photos"), photos)] if photos else []
    parts += [(words("runs.col_language"), language)] if language else []
    head = " " * _SIGN + "".join(fit(name, size) + " " for name, size in parts)
    return head + fit(words("runs.col_result"), max(width - _taken(width), 0))


def _widths(width: int) -> tuple[int, int, int]:
    """Of model, photos and language; 0: not shown."""
    if width < 90:
        return 8, 8, 0
    return (14, 18, 8) if width < 130 else (20, 24, 8)


def _taken(width: int) -> int:
    return _SIGN + _STATE + 1 + _WHEN + 1 + sum(w + 1 for w in _widths(width) if w)


def language_words(words: Words, code: str) -> str:
    """English or Japanese."""
    return words(f"runs.language_{code}") if code else words("common.nothing")


def short_result(words: Words, row: RunRow) -> str:
    """What it came to, in a few words."""
    if row.state == "failed":
        return why_failed(words, row) or words("runs.result_failed")
    decision = row.decision
    if decision is None:
        return words("runs.result_none") if row.state == "finished" else ""
    return words(f"runs.result_{decision.outcome}", **_shares(decision))


def why_failed(words: Words, row: RunRow) -> str:
    """What happened and what to do, as far as the run told it."""
    return (" " if words.language == "en" else "。").join(
        spoken(said, words.language) for said in (row.error, row.hint) if said
    )


def result_look(row: RunRow) -> str:
    """Recommended, not, or failed."""
    if row.state == "failed":
        return "stopped"
    outcome = row.decision.outcome if row.decision else ""
    return {"adopted": "ok", "rejected": "attention"}.get(outcome, "dim")


def result_sentence(words: Words, row: RunRow) -> str:
    """The whole sentence."""
    if row.state == "failed" and row.error:
        return why_failed(words, row)
    if row.decision is None:
        return words("runs.no_evaluation")
    return told(f"condition.{row.decision.outcome}", **row.decision.values).of(words.language)


def _shares(decision: Decision) -> dict[str, object]:
    return {name: decision.values.get(name, "–") for name in ("before", "after")}


def facts(words: Words, row: RunRow, size: int | None) -> list[tuple[str, str]]:
    """Name and value of what is known; size: bytes of its folder, None while it is measured."""
    found = [
        (words("runs.col_state"), f"{SIGNS.get(row.state, '?')} {state_words(words, row.state)}"),
        (words("runs.result"), result_sentence(words, row)),
        (words("runs.col_photos"), row.photos),
        (words("runs.col_model"), f"{row.model} · {language_words(words, row.language)}"),
        (words("runs.created"), row.created),
        (words("runs.size"), words("runs.measuring") if size is None else gib(size)),
        (words("runs.folder"), str(row.run.folder)),
    ]
    return [(name, value) for name, value in found if value]
