"""The closing summary of `align`, for people."""

from collections.abc import Mapping

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from realign_edge.cli.bundle_view import print_precisions
from realign_edge.cli.console import PlainConsole
from realign_edge.cli.figures_view import figures_table
from realign_edge.cli.run_summary import decision_panel
from realign_edge.pipeline.stages import Outcome
from realign_edge.preferences.review.effect import changes_sentence

_MOST_REASONS = 4


def print_outcome(outcome: Outcome) -> None:
    """Photos, pairs, figures before and after, the decision, and where everything lies."""
    console = PlainConsole(width=min(PlainConsole().width, 100))
    console.print()
    console.print(_counts(outcome))
    if outcome.evaluation is not None:
        console.print(figures_table(outcome.evaluation))
        console.print(decision_panel(outcome.evaluation))
    elif outcome.chosen_change is not None and outcome.judged:
        words = "No decision: no held-out photo has an inspection record to compare answers with."
        console.print(Panel(Text(words), border_style="yellow", box=box.ROUNDED, padding=(0, 1)))
    if outcome.bundle is not None:
        manifest = outcome.bundle.manifest
        console.print(Text("Precisions, against the torch model"), style="bold")
        print_precisions(manifest, console)
    console.print(_places(outcome))


def _counts(outcome: Outcome) -> Table:
    found, table = outcome.collection, _grid()
    table.add_row("Photos", f"{len(found.photos)} read, {len(found.refused)} refused, {found.duplicates} duplicates")
    table.add_row(
        "",
        f"{len(found.of('train'))} for training, {len(found.of('held_out'))} held out (split {found.split_note})",
    )
    for refused in found.refused[:_MOST_REASONS]:
        table.add_row("", Text(f"refused: {refused.name}: {refused.reason}", style="yellow"))
    if len(found.refused) > _MOST_REASONS:
        table.add_row(
            "",
            Text(f"... and {len(found.refused) - _MOST_REASONS} more (--json lists them all)", style="yellow"),
        )
    table.add_row("Language", str(outcome.language))
    if outcome.pairs is not None:
        built = outcome.pairs.pairs
        kinds = ", ".join(f"{n} {k.replace('_', '/')}" for k, n in built.items())
        table.add_row("Pairs", f"{sum(built.values())} built: {kinds}")
        if changed := changes_sentence(outcome.pairs.changed):
            table.add_row("", changed)
        table.add_row("", _reasons("photos without a note pair", outcome.pairs.without_note))
        table.add_row("", _reasons("neighbours passed over", outcome.pairs.neighbours_refused))
    if outcome.skipped:
        table.add_row("Unchanged", f"{', '.join(outcome.skipped)}: taken from before")
    return table


def _reasons(what: str, counts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{n} {reason}" for reason, n in list(counts.items())[:_MOST_REASONS])
    return f"{what}: {shown or 'none'}"


def _places(outcome: Outcome) -> Table:
    table, folder = _grid(), outcome.run.folder
    table.add_row("Run", outcome.run.run_id)
    if (folder / "adapter").exists():
        table.add_row("Adapter", Text(str(folder / "adapter"), overflow="fold"))
    if (folder / "evaluation.json").exists():
        table.add_row("Evaluation", Text(str(folder / "evaluation.json"), overflow="fold"))
    if outcome.bundle is not None:
        table.add_row("Bundle", Text(str(outcome.bundle.folder), overflow="fold"))
        table.add_row("", f"{outcome.bundle.manifest.id}, signed with {outcome.bundle.key_file}")
    elif outcome.not_exported:
        table.add_row("Bundle", Text(f"none: {outcome.not_exported}", style="yellow"))
    table.add_row("Took", f"{outcome.seconds:.0f} s")
    return table


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True, min_width=10)
    table.add_column()
    return table
