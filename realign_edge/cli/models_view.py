"""Lists of models for people, within 80 columns."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from realign_edge.cli.console import WIDTH, console
from realign_edge.cli.options import say
from realign_edge.modelstore.facts import ModelFacts, facts_of
from realign_edge.modelstore.sizes import billions, gib
from realign_edge.modelstore.store import Added

__all__ = ["WIDTH", "commercial", "console", "print_added", "print_list"]
_MOST_LEFT_OUT = 5


def print_list(models: Sequence[ModelFacts]) -> None:
    """One line a model."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for name, side in (("model", "left"), ("family", "left"), ("parameters", "right"), ("size", "right")):
        table.add_column(name, justify=side, no_wrap=name != "model", overflow="fold")  # type: ignore[arg-type]
    table.add_column("licence", overflow="fold")
    table.add_column("commercial", no_wrap=True)
    for facts in models:
        label = Text.assemble(facts.name, (" (embedded)", "dim") if facts.embedded else "")
        numbers = (billions(facts.parameters.total), gib(facts.size))
        table.add_row(label, facts.family.title, *numbers, facts.licence.title, commercial(facts.commercial_use))
    console().print(table)


def commercial(allowed: bool | None) -> Text:
    """Yes, no, or look into the licence."""
    if allowed is None:
        return Text("see licence", style="yellow")
    return Text("yes", style="green") if allowed else Text("no", style="red")


def print_added(found: Added, quiet: bool) -> None:
    """What was taken in, and what may be done with it."""
    name, facts = found.manifest.name, facts_of(found.folder)
    what = f"{facts.family.title}, {billions(facts.parameters.total)} parameters, {gib(found.manifest.size)}"
    words = f"{name}: {what}" if found.new else f"{name} is already there: {what}"
    console().print(Text(words), Text(f"{facts.licence.title}: {facts.licence.allows}"), sep="\n")
    if found.left_out:
        shown = ", ".join(found.left_out[:_MOST_LEFT_OUT])
        more = len(found.left_out) - _MOST_LEFT_OUT
        say(f"left out, not needed: {shown}" + (f" and {more} more" if more > 0 else ""), quiet)
    say(f"use it with: realign-edge align PHOTOS --model {name}", quiet)
