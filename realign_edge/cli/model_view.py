"""One model for people, within 80 columns: what it is, what it allows, and what training it takes here."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from realign_edge.alignment.headroom import BASE_ON_GPU, BUDGETS, Headroom, Shape
from realign_edge.cli.models_view import commercial, console
from realign_edge.modelstore.facts import ModelFacts
from realign_edge.modelstore.sizes import billions, gib

_VERDICTS = {"fits": "green", "fits with gradient checkpointing": "yellow", "does not fit": "red"}


def print_model(facts: ModelFacts, shape: Shape, room: Headroom) -> None:
    """Print it on stdout."""
    console().print(Group(_about(facts, shape), Text(), _memory(room), Text(), _verdict(room)))


def _about(facts: ModelFacts, shape: Shape) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True, min_width=10)
    table.add_column(overflow="fold")
    counted = facts.parameters
    parts = (
        f"vision tower {billions(counted.vision_tower)}, projector {billions(counted.projector)}, "
        f"language model {billions(counted.language_model)}"
    )
    table.add_row("Model", Text.assemble(facts.name, " (embedded)" if facts.embedded else ""))
    table.add_row("Family", Text(f"{facts.family.title} ({facts.family.name})"))
    for label, words in _origin(facts):
        table.add_row(label, Text(words))
    table.add_row("Folder", Text(str(facts.folder)))
    table.add_row("Size", Text(gib(facts.size)))
    table.add_row("Parameters", Text(billions(counted.total)))
    table.add_row("", Text(parts))
    table.add_row("A photo", Text(f"{shape.image_tokens:,} tokens of a context of {shape.context:,}"))
    table.add_row("Licence", Text(f"{facts.licence.title}: {facts.licence.allows}"))
    table.add_row("Commercial", commercial(facts.commercial_use))
    if facts.checkpoint is not None and facts.checkpoint.note:
        table.add_row("Note", Text(facts.checkpoint.note))
    return table


def _origin(facts: ModelFacts) -> list[tuple[str, str]]:
    if facts.manifest is None:
        return []
    origin = facts.manifest.origin
    rows = [("Added", f"{facts.manifest.added.replace('T', ' ')} from {origin.path}")]
    if origin.hub:
        guessed = " (by its name)" if origin.known_by == "name" else ""
        rows.append(("Hub", f"{origin.hub}{guessed}"))
    if origin.hub or origin.revision:
        rows.append(("Revision", origin.revision or "not known"))
    return rows


def _memory(room: Headroom) -> Table:
    table = Table(
        title=f"Memory that QLoRA training takes (4-bit base, the rest {room.dtype})",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    table.add_column("adapter on", no_wrap=True, header_style="dim")
    for name in ("one pair", *(f"{budget} tokens" for budget in BUDGETS)):
        table.add_column(name, justify="right", no_wrap=True, header_style="dim")
    for row in room.rows:
        cells = [Text(gib(size), style="" if size <= room.limit else "red") for size in (row.one_pair, *row.at_budgets)]
        table.add_row(row.label, *cells)
    return table


def _verdict(room: Headroom) -> Table:
    words = Text(room.verdict, style=_VERDICTS[room.verdict])
    if room.micro_tokens:
        words.append(f", up to {room.micro_tokens} tokens at a time", style="default")
    else:
        whose = "it" if room.assumed else "this machine"
        words.append(f": needs {gib(room.needs)}, {whose} has {gib(room.memory)}", style="default")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True, min_width=10)
    table.add_column(overflow="fold")
    table.add_row("There" if room.assumed else "Here", words)
    about = f"{room.device}: {gib(room.memory)}, of which {gib(room.limit)} may be used;"
    if room.assumed:
        about += f" {gib(BASE_ON_GPU)} of that is assumed to be taken by CUDA and a desktop;"
    judged = f"judged for --preset workstation (attention) and pairs of {room.pair_tokens:,} tokens"
    table.add_row("", Text(f"{about} {judged}", style="dim"))
    return table
