"""How a run ended, out of its own files: figures before and after, the decision, and where everything lies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from realign_edge.cli.console import PlainConsole
from realign_edge.cli.figures_view import figures_table
from realign_edge.files import from_json

if TYPE_CHECKING:
    from realign_edge.runs.run import Run

_WIDTH = 100


def print_ended(run: "Run") -> None:
    """On stdout; what failed is said on stderr by whoever knows the exit code."""
    console = PlainConsole(width=min(PlainConsole().width, _WIDTH))
    evaluation = evaluation_of(run) if run.state == "finished" else None
    if evaluation is not None:
        console.print(figures_table(evaluation))
        console.print(decision_panel(evaluation))
    console.print(_places(run))


def evaluation_of(run: "Run") -> dict[str, Any] | None:
    """evaluation.json, None where there is none."""
    try:
        value = from_json((run.folder / "evaluation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and "figures" in value and "decision" in value else None


def decision_panel(evaluation: Mapping[str, Any]) -> Panel:
    """The sentence of the decision."""
    decision = evaluation["decision"]
    style = "green" if decision["adopt"] else "yellow"
    return Panel(Text(decision["sentence"]), border_style=style, box=box.ROUNDED, padding=(0, 1))


def _places(run: "Run") -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True, min_width=10)
    table.add_column(overflow="fold")
    table.add_row("Run", f"{run.run_id} {run.state}")
    for label, name in (("Adapter", "adapter"), ("Evaluation", "evaluation.json"), ("Bundle", "bundle")):
        if (run.folder / name).exists():
            table.add_row(label, Text(str(run.folder / name), overflow="fold"))
    log = run.status.get("log")
    if log:
        table.add_row("Log", Text(str(log), overflow="fold"))
    return table
