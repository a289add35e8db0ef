"""Presets for GPUs, and what fits one, for people, within 80 columns."""

from collections.abc import Sequence

from rich.table import Table

from realign_edge.alignment.gpu_presets import GpuPreset
from realign_edge.alignment.gpu_search import Fit
from realign_edge.cli.models_view import commercial, console
from realign_edge.modelstore.sizes import billions, gib


def print_presets(presets: Sequence[GpuPreset]) -> None:
    """One line a preset."""
    table = _table("preset", "model", "a photo>", "budget>", "checkpointing")
    for p in presets:
        checkpointing = "yes" if p.gradient_checkpointing else "no"
        table.add_row(p.name, p.model, f"{p.photo_tokens:,}", f"{p.micro_tokens:,}", checkpointing)
    console().print(table, "a photo, budget: in tokens; LoRA on attention, 4-bit base, bfloat16", sep="\n")


def print_fits(found: Sequence[Fit]) -> None:
    """One line a model, the largest first."""
    if not found:
        console().print("no known model fits")
        return
    table = _table("model", "size>", "a photo>", "budget>", "peak>", "commercial")
    for row in found:
        photo = f"{row.photo_tokens:,}" + ("*" if row.checkpointing else " ")
        cells = (billions(row.sizes.total), photo, f"{row.micro_tokens:,}", gib(row.found.forecast.total))
        table.add_row(row.checkpoint.id, *cells, commercial(row.checkpoint.commercial_use))
    limit = gib(found[0].found.limit)
    console().print(table, f"a photo, budget: in tokens; * with gradient checkpointing; of {limit} usable", sep="\n")


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for name in names:
        side = "right" if name.endswith(">") else "left"
        table.add_column(name.rstrip(">"), justify=side, no_wrap=name != "model", overflow="fold")  # type: ignore[arg-type]
    return table
