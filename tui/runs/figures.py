"""Figures of runs as lines: percent with intervals in columns, and as whiskers where there is room."""

import math
from collections.abc import Iterator, Sequence

from rich.text import Text

from realign_edge.runs.compare import LOWER_IS_BETTER, Change, Estimate, Figure, Outcome
from tui.frame.cells import fit
from tui.runs.whiskers import scale, whisker
from tui.words import Words

_STYLES = {"better": "ok", "worse": "stopped"}
_SIGNS: dict[Outcome, str] = {"better": "▲", "worse": "▼", "open": "~"}
_SHARE, _OUTCOME = 15, 9
# Below this a track of characters shows nothing that the numbers do not.
_LEAST_TRACK = 24


def share(part: Estimate) -> str:
    """In percent with its interval: `12.0 (8–16)`."""
    if math.isnan(part.value):
        return "–"
    if math.isnan(part.low + part.high):
        return f"{100 * part.value:.1f}"
    return f"{100 * part.value:.1f} ({100 * part.low:.0f}–{100 * part.high:.0f})"


def same_before(figures: Sequence[Figure]) -> bool:
    """Did both runs begin with the same model, as far as the figures tell? Then one column says it for both."""
    return all(f.a is None or f.b is None or f.a.before == f.b.before for f in figures)


def compared(words: Words, figures: Sequence[Figure], width: int, looks: dict[str, str]) -> Iterator[Text]:
    """A line for each figure; a second one with both whiskers where the window is wide. looks: kind to style."""
    one = same_before(figures)
    columns = ["before", "a_after", "b_after"] if one else ["a_before", "a_after", "b_before", "b_after"]
    name = min(max(width - len(columns) * (_SHARE + 1) - _OUTCOME, 12), 30)
    track = width - name - len(columns) * (_SHARE + 1) - _OUTCOME - 3
    track = min(track, 70) if track >= _LEAST_TRACK else 0
    heads = "".join(fit(words(f"runs.{c}"), _SHARE, right=True) + " " for c in columns)
    yield Text(fit("", name) + heads + fit("", _OUTCOME) + (" " * 3 + scale(track) if track else ""), looks["dim"])
    for f in figures:
        yield from _figure(words, f, one, name, track, looks)


def _figure(words: Words, f: Figure, one: bool, name: int, track: int, looks: dict[str, str]) -> Iterator[Text]:
    before = f.a.before if f.a else f.b.before if f.b else None
    parts = [before] if one else [f.a.before if f.a else None]
    parts += [f.a.after if f.a else None] + ([] if one else [f.b.before if f.b else None])
    parts += [f.b.after if f.b else None]
    line = Text(fit(words(f"runs.metric_{f.metric}"), name))
    for part in parts:
        line.append(fit(share(part) if part else "–", _SHARE, right=True) + " ")
    line.append(fit(_said(words, f.outcome), _OUTCOME), looks.get(_STYLES.get(f.outcome, "dim"), ""))
    if track:
        _append_whisker(line, "A", f.a, track, looks)
    yield line
    if track:
        under = Text(" " * (name + len(parts) * (_SHARE + 1) + _OUTCOME))
        _append_whisker(under, "B", f.b, track, looks)
        yield under


def _append_whisker(line: Text, name: str, change: Change | None, track: int, looks: dict[str, str]) -> None:
    line.append(f" {name} ", looks["dim"])
    if change is not None:
        before, interval, behind = whisker(change.after, track)
        line.append(before, looks["dim"]).append(interval, looks[name.lower()]).append(behind, looks["dim"])


def _said(words: Words, outcome: Outcome) -> str:
    if outcome in _SIGNS:
        return f" {_SIGNS[outcome]} {words(f'runs.outcome_{outcome}')}"
    return ""


def single(words: Words, figures: Sequence[Figure], width: int, looks: dict[str, str]) -> Iterator[Text]:
    """One run: before, after, and whether the change is beyond chance."""
    name = min(max(width - 2 * (_SHARE + 1) - _OUTCOME, 12), 26)
    heads = "".join(fit(words(f"runs.{c}"), _SHARE, right=True) + " " for c in ("before", "after"))
    yield Text(fit("", name) + heads, looks["dim"])
    for f in figures:
        if f.a is None:
            continue
        outcome = changed(f.metric, f.a, f.outcome)
        line = Text(fit(words(f"runs.metric_{f.metric}"), name))
        line.append(fit(share(f.a.before), _SHARE, right=True) + " ")
        line.append(fit(share(f.a.after), _SHARE, right=True) + " ")
        yield line.append(_said(words, outcome), looks.get(_STYLES.get(outcome, "dim"), ""))


def changed(metric: str, change: Change, otherwise: Outcome = "unknown") -> Outcome:
    """Of one run's own paired difference: better or worse where its interval does not hold zero."""
    d = change.difference
    if math.isnan(d.low + d.high):
        return otherwise
    if not (d.low > 0 or d.high < 0):
        return "open"
    return "better" if (d.high < 0) == (metric in LOWER_IS_BETTER) else "worse"
