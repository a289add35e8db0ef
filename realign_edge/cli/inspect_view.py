"""Inspections on a terminal and as JSON."""

import sys
from dataclasses import asdict
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from realign_edge.cli.console import PlainConsole
from realign_edge.photos.text import clean
from realign_edge.results.model import Inspection, Refused
from realign_edge.station.inspecting.work import Done

# A symbol, a word and a colour each: none of them is needed to understand the others.
_LOOKS = {"PASS": ("✓", "green"), "FAIL": ("✗", "red"), "REVIEW": ("?", "yellow"), "REFUSED": ("-", "magenta")}
_PLAIN = {"✓": "+", "✗": "x"}
_WIDEST = 100


class Rows:
    """One row a photo, as soon as it is judged: verdict, photo, what was found or why a person should look."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or PlainConsole(soft_wrap=False)
        self._width = min(self.console.width, _WIDEST)

    def show(self, result: Inspection | Refused) -> None:
        """Print one result."""
        if isinstance(result, Refused):
            self._row("REFUSED", result.name, Text(clean(result.reason)))
        else:
            self._row(result.verdict, result.name, self._words(result))

    def end(self, done: Done) -> None:
        """The counts."""
        count = len(done.inspections)
        self.console.print(Text(f"\n{count} photo{'' if count == 1 else 's'}: {done.counted()}"))

    def _words(self, inspection: Inspection) -> Group:
        """The description, its findings with how well they are founded, and why a person should look."""
        lines = [Text(clean(inspection.description))]
        for f in inspection.findings:
            founded = f"grounding {f.grounding:+.1f}, confidence {f.confidence:.2f}"
            lines.append(Text(f"{self._symbol('→')} {clean(f.phrase)} ({founded})", style="dim"))
        # The findings stand there already.
        why = [r.sentence for r in inspection.reasons if r.rule != "defect"]
        if inspection.verdict != "PASS":
            lines += [Text(f"{self._symbol('→')} {clean(sentence)}") for sentence in why]
        return Group(*lines)

    def _row(self, verdict: str, name: str, words: Any) -> None:
        symbol, colour = _LOOKS[verdict]
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=9, no_wrap=True)
        grid.add_column(width=(self._width - 13) * 2 // 5, overflow="fold")
        grid.add_column(width=(self._width - 13) * 3 // 5, overflow="fold")
        grid.add_row(Text(f"{self._symbol(symbol)} {verdict}", style=f"bold {colour}"), Text(clean(name)), words)
        self.console.print(grid)

    @staticmethod
    def _symbol(symbol: str) -> str:
        """The symbol, or a plain one where the terminal cannot show it."""
        try:
            symbol.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            return _PLAIN.get(symbol, ">")
        return symbol


def as_plain(done: Done) -> dict[str, Any]:
    """Everything as one JSON object."""
    return {
        "counts": {**done.counts, "REFUSED": len(done.refused)},
        "photos": [asdict(i) for i in done.inspections],
        "refused": [asdict(r) for r in done.refused],
    }
