"""Two runs side by side on a terminal."""

import math
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from realign_edge.cli.figures_view import NAMES
from realign_edge.photos.text import clean
from realign_edge.runs.compare import Change, Estimate, Figure, RunComparison, Side

_WIDTH = 100
_OUTCOMES = {
    "better": ("better", "green"),
    "worse": ("worse", "red"),
    "open": ("~", "dim"),
    "not comparable": ("", ""),
    "unknown": ("", ""),
}


def print_comparison(found: RunComparison) -> None:
    """Print it on stdout."""
    console = Console(highlight=False)
    console.width = min(console.width, _WIDTH)
    for name, side in (("A", found.a), ("B", found.b)):
        console.print(Text.assemble((f"{name}  {side.run}", "bold"), f"  {side.state}"))
        console.print(Text(f"   {_sentence(side)}"))
    console.print(_differences(found))
    if found.figures:
        console.print(_figures(found.figures))
    console.print(Text("\n".join(sentences(found))))


def sentences(found: RunComparison) -> Iterable[str]:
    """What can be said about the two."""
    if not found.figures:
        yield "Neither run has an evaluation yet."
        return
    if not found.same_photos:
        yield "Their held-out photos, records or words differ: A and B cannot be held against each other."
        return
    for outcome, words in (("better", "better"), ("worse", "worse")):
        names = [NAMES[f.metric] for f in found.figures if f.outcome == outcome]
        if names:
            yield f"B is {words} than A beyond chance: {', '.join(names)}."
    if all(f.outcome in ("open", "unknown") for f in found.figures):
        yield "No figure of B is apart from A's: their intervals meet."
    yield "~  the intervals of A and B meet: which is better, if either, is not shown."


def _sentence(side: Side) -> str:
    return clean(side.sentence) or "no evaluation yet"


def _differences(found: RunComparison) -> Table:
    title = f"What differs ({found.alike} settings are alike)" if found.differences else "Made from the same"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", show_edge=False)
    if found.differences:
        table.add_column("", no_wrap=True)
        table.add_column("A", overflow="fold")
        table.add_column("B", overflow="fold")
    for d in found.differences:
        table.add_row(*map(_cell, (d.name, d.a, d.b)))
    return table


def _cell(value: str) -> Text:
    return Text(clean(value)[:300] or "-")


def _figures(figures: Sequence[Figure]) -> Table:
    """Where both began with the same figures, one column tells them."""
    table = Table(title="Held-out photos, in %, with 95 % intervals", box=box.SIMPLE_HEAD, title_justify="left",
                  title_style="bold", show_edge=False, padding=(0, 1, 0, 0))  # fmt: skip
    one = all(f.a is None or f.b is None or f.a.before == f.b.before for f in figures)
    table.add_column("", no_wrap=True)
    for name in ("before", "A after", "B after") if one else ("A before", "A after", "B before", "B after"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for f in figures:
        words, style = _OUTCOMES[f.outcome]
        known = f.a or f.b
        left, right = _change(f.a), _change(f.b)
        cells = (share(known.before) if known else "-", left[1], right[1]) if one else (*left, *right)
        table.add_row(NAMES[f.metric], *cells, Text(words, style=style))
    return table


def _change(change: Change | None) -> tuple[str, str]:
    return ("-", "-") if change is None else (share(change.before), share(change.after))


def share(part: Estimate) -> str:
    """In percent with its interval: `12.0 (8-16)`."""
    if math.isnan(part.value):
        return "-"
    ends = "" if math.isnan(part.low + part.high) else f" ({100 * part.low:.0f}-{100 * part.high:.0f})"
    return f"{100 * part.value:.1f}{ends}"
